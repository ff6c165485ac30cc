import { useNavigate, useParams } from '@solidjs/router';
import { type JSX, Show } from 'solid-js';
import { useQuery } from '../../data/query.ts';
import { trpc } from '../../data/trpc.ts';
import { Answer, Page } from '../../parts/basic.tsx';
import { PlanFlow } from '../../plan/PlanFlow.tsx';
import { shortDigest } from '../../parts/words.ts';

const CRUMBS = [{ href: '/changes', label: 'Changes' }];

export const PlanPage = (): JSX.Element => {
  const params = useParams<{ digest: string }>();
  const navigate = useNavigate();
  return (
    <Page title={`Plan ${shortDigest(params.digest)}`} crumbs={CRUMBS}>
      <PlanFlow digest={params.digest} onPlan={(d) => navigate(`/changes/plans/${d}`)} />
    </Page>
  );
};

/** A run is shown with the plan it carries out. */
export const RunPage = (): JSX.Element => {
  const params = useParams<{ id: string }>();
  const navigate = useNavigate();
  const run = useQuery(
    'run',
    () => ({ id: decodeURIComponent(params.id) }),
    (i) => trpc.runs.get.query(i),
    { topics: ['run'], by: 'id' },
  );
  return (
    <Page title={`Run ${decodeURIComponent(params.id).slice(0, 10)}`} crumbs={CRUMBS}>
      <Answer query={run}>
        {(_) => (
          <Show when={run.data()?.planDigest}>
            {(digest) => <PlanFlow digest={digest()} onPlan={(d) => navigate(`/changes/plans/${d}`)} />}
          </Show>
        )}
      </Answer>
    </Page>
  );
};
