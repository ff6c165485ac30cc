/** When a pool is scrubbed and trimmed by itself: shown with the next time, changed by choosing how often. */
import { createSignal, type JSX, Show } from 'solid-js';
import { type Problem, problemOf } from '../../data/problem.ts';
import { useQuery } from '../../data/query.ts';
import { ask, whyNot } from '../../data/session.ts';
import { trpc } from '../../data/trpc.ts';
import { SelectField } from '../../forms/Field.tsx';
import { Answer, Button, ProblemBox, Section } from '../../parts/basic.tsx';
import { Dialog } from '../../parts/Dialog.tsx';
import { cronOf, myTimezone, NEVER, When, withOwn } from './by-itself.tsx';

const CHOICES = [
  { value: NEVER, label: 'Never by itself' },
  { value: '0 2 * * 0', label: 'Every Sunday at 02:00' },
  { value: '0 2 1 * *', label: 'On the first of each month at 02:00' },
  { value: '0 2 1 */3 *', label: 'Every three months, on the first at 02:00' },
];

export const PoolCare = (props: { name: string }): JSX.Element => {
  const query = useQuery(
    'pool-care',
    () => ({ name: props.name }),
    (i) => trpc.pools.care.query(i),
    { topics: ['pool'] },
  );
  const [open, setOpen] = createSignal(false);
  const [scrub, setScrub] = createSignal(NEVER);
  const [trim, setTrim] = createSignal(NEVER);
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const edit = (): void => {
    const care = query.data()?.care;
    setScrub(care?.scrub ?? NEVER);
    setTrim(care?.trim ?? NEVER);
    setProblem(null);
    setOpen(true);
  };
  const save = async (e: SubmitEvent): Promise<void> => {
    e.preventDefault();
    try {
      await ask(() =>
        trpc.pools.setCare.mutate({ name: props.name, care: { scrub: cronOf(scrub()), trim: cronOf(trim()), timezone: myTimezone() } }),
      );
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
                <When choices={CHOICES} cron={query.data()?.care.scrub} next={query.data()?.next.scrub} />
              </dd>
            </div>
            <div>
              <dt>Trim</dt>
              <dd>
                <When choices={CHOICES} cron={query.data()?.care.trim} next={query.data()?.next.trim} />
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
          <SelectField label="Scrub" value={scrub()} onChange={setScrub} choices={withOwn(CHOICES, scrub())} />
          <SelectField
            label="Trim"
            value={trim()}
            onChange={setTrim}
            choices={withOwn(CHOICES, trim())}
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
