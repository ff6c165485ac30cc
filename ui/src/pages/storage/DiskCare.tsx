/** How often disks are asked for their health, and when they test themselves. */
import { createSignal, type JSX, Show } from 'solid-js';
import { type Problem, problemOf } from '../../data/problem.ts';
import { nothing, useQuery } from '../../data/query.ts';
import { ask, whyNot } from '../../data/session.ts';
import { trpc } from '../../data/trpc.ts';
import { SelectField } from '../../forms/Field.tsx';
import { Answer, Button, ProblemBox, Section, Time } from '../../parts/basic.tsx';
import { Dialog } from '../../parts/Dialog.tsx';

const NEVER = 'never';
const WHEN = [
  { value: NEVER, label: 'Never by itself' },
  { value: '0 3 * * *', label: 'Every day at 03:00' },
  { value: '0 3 * * 0', label: 'Every Sunday at 03:00' },
  { value: '0 3 15 * *', label: 'On the 15th of each month at 03:00' },
  { value: '0 3 15 */3 *', label: 'Every three months, on the 15th at 03:00' },
];
const EVERY = ['10', '30', '60', '240', '1440'].map((value) => ({
  value,
  label:
    Number(value) < 60
      ? `Every ${value} minutes`
      : Number(value) === 60
        ? 'Every hour'
        : Number(value) < 1_440
          ? `Every ${Number(value) / 60} hours`
          : 'Once a day',
}));
type Choices = readonly { value: string; label: string }[];
const withOwn = (choices: Choices, value: string): Choices =>
  choices.some((c) => c.value === value) ? choices : [...choices, { value, label: value }];
const word = (choices: Choices, value: string): string => choices.find((c) => c.value === value)?.label ?? value;

export const DiskCare = (): JSX.Element => {
  const query = useQuery('disk-care', nothing, () => trpc.disks.care.query(), { topics: ['pool'] });
  const [open, setOpen] = createSignal(false);
  const [every, setEvery] = createSignal('30');
  const [short, setShort] = createSignal(NEVER);
  const [long, setLong] = createSignal(NEVER);
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const edit = (): void => {
    const care = query.data()?.care;
    setEvery(String(care?.everyMinutes ?? 30));
    setShort(care?.short ?? NEVER);
    setLong(care?.long ?? NEVER);
    setProblem(null);
    setOpen(true);
  };
  const cron = (text: string): string | null => (text === NEVER ? null : text);
  const save = async (e: SubmitEvent): Promise<void> => {
    e.preventDefault();
    const timezone = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
    try {
      await ask(() =>
        trpc.disks.setCare.mutate({ care: { everyMinutes: Number(every()), short: cron(short()), long: cron(long()), timezone } }),
      );
      setOpen(false);
      query.refetch();
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  const Next = (p: { at: number | null | undefined }): JSX.Element => (
    <Show when={p.at}>
      {(at) => (
        <small>
          next <Time at={at()} />
        </small>
      )}
    </Show>
  );
  return (
    <Section
      title="By themselves"
      aside={
        <Button look="quiet" why={whyNot('storage.write')} onClick={edit}>
          Change
        </Button>
      }
    >
      <Answer query={query}>
        {(_) => (
          <dl class="facts roomy">
            <div>
              <dt>Asked for their health</dt>
              <dd>
                {word(EVERY, String(query.data()?.care.everyMinutes ?? 30))} <small>one that sleeps is not woken</small>
              </dd>
            </div>
            <div>
              <dt>Short self-test</dt>
              <dd>
                {word(WHEN, query.data()?.care.short ?? NEVER)} <Next at={query.data()?.next.short} />
              </dd>
            </div>
            <div>
              <dt>Long self-test</dt>
              <dd>
                {word(WHEN, query.data()?.care.long ?? NEVER)} <Next at={query.data()?.next.long} />
              </dd>
            </div>
          </dl>
        )}
      </Answer>
      <Dialog
        open={open()}
        onClose={() => setOpen(false)}
        title="How disks look after themselves"
        about="A short self-test takes minutes. A long one reads every sector and takes hours; of each pool one disk is at it at a time. A disk that sleeps makes up for it when it is awake."
      >
        <form class="form" onSubmit={(e) => void save(e)}>
          <SelectField label="Asked for their health" value={every()} onChange={setEvery} choices={withOwn(EVERY, every())} />
          <SelectField label="Short self-test" value={short()} onChange={setShort} choices={withOwn(WHEN, short())} />
          <SelectField label="Long self-test" value={long()} onChange={setLong} choices={withOwn(WHEN, long())} />
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
