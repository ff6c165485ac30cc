import { A } from '@solidjs/router';
import type { JSX } from 'solid-js';
import { Page } from '../parts/basic.tsx';

export const Nowhere = (): JSX.Element => (
  <Page title="There is nothing here" lead="The address is not known. It may be of a later or earlier version.">
    <p>
      <A href="/">To the overview</A>
    </p>
  </Page>
);
