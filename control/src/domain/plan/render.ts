/** A plan in words, as lines without any terminal codes: the CLI colours them by their tone. */
import type { Plan } from './types.ts';

export type Tone = 'plain' | 'good' | 'notice' | 'warning' | 'danger' | 'dim';
export type Line = { text: string; tone: Tone };

export const renderPlan = (_plan: Pick<Plan, 'actions' | 'summary'>): Line[] => {
  throw new Error('being written');
};
