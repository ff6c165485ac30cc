/** When a pool is scrubbed and trimmed by itself: shown with the next time, changed by choosing how often. */
import { createSignal, type JSX, Show } from 'solid-js';
import { type Problem, problemOf } from '../../data/problem.ts';
import { useQuery } from '../../data/query.ts';
import { ask, whyNot } from '../../data/session.ts';
import { trpc } from '../../data/trpc.ts';
import { SelectField } from '../../forms/Field.tsx';
import { Answer, Button, ProblemBox, Section, Time } from '../../parts/basic.tsx';
import { Dialog } from '../../parts/Dialog.tsx';

const NEVER = 'never';
const CHOICES = [
  { value: NEVER, label: 'Never by itself' },
  { value: '0 2 * * 0', label: 'Every Sunday at 02:00' },
  { value: '0 2 1 * *', label: 'On the first of each month at 02:00' },
  { value: '0 2 1 */3 *', label: 'Every three months, on the first at 02:00' },
] as const;
const word = (cron: string | null): string => CHOICES.find((c) => c.value === (cron ?? NEVER))?.label ?? cron ?? '';

export const PoolCare = (props: { name: string }): JSX.Element => {
  const query = useQuery(
    'pool-care',
    () => ({ name: props.name }),
    (i) => trpc.pools.care.query(i),
    { topics: ['pool'] },
  );
  const [open, setOpen] = createSignal(false);
  const [scrub, setScrub] = createSignal(NEVER as string);
  const [trim, setTrim] = createSignal(NEVER as string);
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const choices = (cron: string) => (CHOICES.some((c) => c.value === cron) ? CHOICES : [...CHOICES, { value: cron, label: cron }]);
  const edit = (): void => {
    const care = query.data()?.care;
    setScrub(care?.scrub ?? NEVER);
    setTrim(care?.trim ?? NEVER);
    setProblem(null);
    setOpen(true);
  };
  const save = async (e: SubmitEvent): Promise<void> => {
    e.preventDefault();
    const timezone = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
    const cron = (text: string): string | null => (text === NEVER ? null : text);
    try {
      await ask(() => trpc.pools.setCare.mutate({ name: props.name, care: { scrub: cron(scrub()), trim: cron(trim()), timezone } }));
      setOpen(false);
      query.refetch();
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  return (
    <Section
      title="By itself"
      aside={
        <Button look="quiet" why={whyNot('storage.write')} onClick={edit}>
          Change
        </Button>
      }
    >
      <Answer query={query}>
        {(_) => (
          <dl class="facts">
            <div>
              <dt>Scrub</dt>
              <dd>
                {word(query.data()?.care.scrub ?? null)}{' '}
                <Show when={query.data()?.next.scrub}>
                  {(at) => (
                    <small>
                      next <Time at={at()} />
                    </small>
                  )}
                </Show>
              </dd>
            </div>
            <div>
              <dt>Trim</dt>
              <dd>
                {word(query.data()?.care.trim ?? null)}{' '}
                <Show when={query.data()?.next.trim}>
                  {(at) => (
                    <small>
                      next <Time at={at()} />
                    </small>
                  )}
                </Show>
              </dd>
            </div>
          </dl>
        )}
      </Answer>
      <Dialog
        open={open()}
        onClose={() => setOpen(false)}
        title={`When ${props.name} is looked after by itself`}
        about="A scrub reads every block and mends what redundancy allows. What was missed while the machine was off is made up for once."
      >
        <form class="form" onSubmit={(e) => void save(e)}>
          <SelectField label="Scrub" value={scrub()} onChange={setScrub} choices={choices(scrub())} />
          <SelectField
            label="Trim"
            value={trim()}
            onChange={setTrim}
            choices={choices(trim())}
            help="Only solid state disks have a use for it."
          />
          <Show when={problem()}>{(p) => <ProblemBox problem={p()} />}</Show>
          <div class="form-foot">
            <Button look="main" type="submit">
              Save
            </Button>
          </div>
        </form>
      </Dialog>
    </Section>
  );
};
