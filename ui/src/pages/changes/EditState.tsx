/**
 * Editing `state.yaml`: problems as they are typed, what differs from the saved one, saving on the version it was made from, and the
 * plan. Somebody else's save under the edit is told at once, with both ways out; nothing is overwritten unseen.
 */
import { createEffect, createMemo, createSignal, type JSX, on, onCleanup, Show } from 'solid-js';
import { type Problem, problemOf } from '../../data/problem.ts';
import { nothing, useQuery } from '../../data/query.ts';
import { ask, whyNot } from '../../data/session.ts';
import { trpc } from '../../data/trpc.ts';
import { say } from '../../frame/toasts.tsx';
import { Answer, Button, Empty, Note, Page, ProblemBox, Time } from '../../parts/basic.tsx';
import { Dialog } from '../../parts/Dialog.tsx';
import { diffOf, hunksOf } from '../../plan/diff.ts';
import { DiffView } from '../../plan/DiffView.tsx';
import { PlanFlow } from '../../plan/PlanFlow.tsx';
import { CHANGES_TABS } from './tabs.ts';
import { type TextProblem, YamlEditor } from './YamlEditor.tsx';
import '../../style/changes.css';

const SETTLE = 350;
/** What is typed outlives a change of the page, until it is saved or dropped. */
const [draft, setDraft] = createSignal<{ yaml: string; basedOn: string | null } | null>(null);

export const EditState = (): JSX.Element => {
  const saved = useQuery('state', nothing, () => trpc.gitops.state.query(), { topics: ['state'], by: 'id' });
  const schema = useQuery('schema', nothing, () => trpc.gitops.schema.query(), { topics: [], by: '$id' });
  const [problems, setProblems] = createSignal<readonly TextProblem[]>([]);
  const [checked, setChecked] = createSignal<string | null>(null);
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const [busy, setBusy] = createSignal<'save' | 'plan' | 'capture' | null>(null);
  const [plan, setPlan] = createSignal<string | null>(null);
  const [comparing, setComparing] = createSignal(false);

  const head = createMemo(() => saved.data()?.state ?? null);
  const text = (): string => draft()?.yaml ?? head()?.yaml ?? '';
  const changed = (): boolean => draft() !== null && draft()?.yaml !== (head()?.yaml ?? '');
  /** Somebody saved since this edit began. */
  const overtaken = (): boolean => draft() !== null && draft()?.basedOn !== (head()?.digest ?? null);
  const edit = (yaml: string): void => void setDraft((d) => ({ yaml, basedOn: d === null ? (head()?.digest ?? null) : d.basedOn }));

  let timer: ReturnType<typeof setTimeout> | undefined;
  createEffect(
    on(text, (yaml) => {
      clearTimeout(timer);
      if (yaml === '') {
        setProblems([]);
        return;
      }
      timer = setTimeout(() => {
        trpc.gitops.validate
          .mutate({ yaml })
          .then((answer) => {
            if (text() !== yaml) return;
            setProblems(answer.problems);
            setChecked(yaml);
          })
          .catch(() => undefined); // asked again with the next key; a lost connection is told above
      }, SETTLE);
    }),
  );
  onCleanup(() => clearTimeout(timer));

  const doing = async (what: 'save' | 'plan' | 'capture', work: () => Promise<void>): Promise<void> => {
    if (busy() !== null) return;
    setBusy(what);
    setProblem(null);
    try {
      await work();
    } catch (error) {
      setProblem(problemOf(error));
    }
    setBusy(null);
  };
  const save = (): Promise<void> =>
    doing('save', async () => {
      await ask(() => trpc.gitops.saveState.mutate({ yaml: text(), basedOn: draft()?.basedOn ?? head()?.digest ?? null }));
      setDraft(null);
      saved.refetch();
      say('Saved', 'Nothing on the box has changed yet; plan it to see what would.');
    });
  const planIt = (): Promise<void> =>
    doing('plan', async () => {
      const made = await ask(() => trpc.plans.draft.mutate(changed() ? { yaml: text() } : {}));
      setPlan(made.digest);
    });
  const capture = (): Promise<void> =>
    doing('capture', async () => {
      const { yaml, record } = await ask(() => trpc.gitops.capture.mutate());
      setDraft({ yaml, basedOn: head()?.digest ?? null });
      say('Written from what is there now', `Captured as version ${record.id}. Look it over, then save it.`);
    });
  const wrong = (): string | undefined =>
    problems().length > 0
      ? `${problems().length === 1 ? 'A problem has' : `${problems().length} problems have`} to be corrected first.`
      : undefined;
  const whyNotSave = (): string | undefined =>
    whyNot('state.write') ??
    (changed() ? undefined : 'Nothing has changed.') ??
    (overtaken() ? 'Somebody saved another version; look at it first.' : undefined) ??
    wrong();

  return (
    <Page
      title="Changes"
      tabs={CHANGES_TABS}
      actions={
        <>
          <Button busy={busy() === 'capture'} why={whyNot('state.write')} onClick={() => void capture()}>
            Write from what is there
          </Button>
          <Button busy={busy() === 'save'} why={whyNotSave()} onClick={() => void save()}>
            {busy() === 'save' ? 'Saving …' : 'Save'}
          </Button>
          <Button
            look="main"
            busy={busy() === 'plan'}
            why={whyNot('plan.read') ?? (text() === '' ? 'There is nothing to plan yet.' : undefined) ?? wrong()}
            onClick={() => void planIt()}
          >
            {busy() === 'plan' ? 'Planning …' : 'See what will happen'}
          </Button>
        </>
      }
    >
      <Answer query={saved}>
        {(_) => (
          <>
            <Show when={overtaken()}>
              <div role="alert">
                <Note tone="warn" title={`${head()?.actor ?? 'Somebody'} saved another version while you were editing`}>
                  <p>
                    <Show when={head()}>{(h) => <Time at={h().at} />}</Show>. Yours is not lost, and has not overwritten it.
                  </p>
                  <p class="row">
                    <Button onClick={() => setComparing(true)}>Compare with mine</Button>
                    <Button onClick={() => setDraft(null)}>Take theirs, drop mine</Button>
                    <Button onClick={() => setDraft((d) => d && { yaml: d.yaml, basedOn: head()?.digest ?? null })}>
                      Keep mine, I have seen theirs
                    </Button>
                  </p>
                </Note>
              </div>
            </Show>
            <Show when={problem()}>{(p) => <ProblemBox problem={p()} />}</Show>
            <Show when={head() === null && draft() === null}>
              <Empty title="Nothing is declared yet">
                <p>
                  <code>state.yaml</code> says what this box should be: pools, datasets, shares. Begin with what is there now, then change
                  it here and see what would happen before it does.
                </p>
                <p class="row">
                  <Button look="main" busy={busy() === 'capture'} why={whyNot('state.write')} onClick={() => void capture()}>
                    Write from what is there
                  </Button>
                  <Button why={whyNot('state.write')} onClick={() => edit('version: 1\n')}>
                    Begin with an empty file
                  </Button>
                </p>
              </Empty>
            </Show>
            <Show when={head() !== null || draft() !== null}>
              <YamlEditor
                label="state.yaml"
                value={text()}
                onInput={edit}
                problems={problems()}
                schema={schema.data()}
                readonly={whyNot('state.write') !== undefined}
              />
            </Show>
            <p class="dim" role="status">
              {text() === '' ? '' : checked() !== text() ? 'Checking …' : problems().length === 0 ? 'No problem found.' : ''}
              {changed() ? ' Not saved.' : ''}
              <Show when={head()}>
                {(h) => (
                  <>
                    {' '}
                    Saved version {h().id} by {h().actor}, <Time at={h().at} />.
                  </>
                )}
              </Show>{' '}
              Ctrl-Space shows what can stand at the cursor.
            </p>
            <Show when={changed()}>
              <details class="section">
                <summary>What differs from the saved version</summary>
                <DiffView label="What differs from the saved version" lines={hunksOf(diffOf(head()?.yaml ?? '', text()))} />
              </details>
            </Show>
          </>
        )}
      </Answer>
      <Dialog open={plan() !== null} onClose={() => setPlan(null)} title="What will happen" wide>
        <Show when={plan()}>
          {(d) => <PlanFlow digest={d()} onClose={() => setPlan(null)} onBack={() => setPlan(null)} onPlan={setPlan} />}
        </Show>
      </Dialog>
      <Dialog
        open={comparing()}
        onClose={() => setComparing(false)}
        title="Theirs, and yours"
        about="Lines with + are yours, lines with - are theirs."
        wide
      >
        <DiffView label="Theirs and yours" lines={hunksOf(diffOf(head()?.yaml ?? '', text()))} />
      </Dialog>
    </Page>
  );
};
