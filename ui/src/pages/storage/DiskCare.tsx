/** How often disks are asked for their health, and when they test themselves. */
import { createSignal, type JSX, Show } from 'solid-js';
import { type Problem, problemOf } from '../../data/problem.ts';
import { nothing, useQuery } from '../../data/query.ts';
import { ask, whyNot } from '../../data/session.ts';
import { trpc } from '../../data/trpc.ts';
import { SelectField } from '../../forms/Field.tsx';
import { Answer, Button, ProblemBox, Section } from '../../parts/basic.tsx';
import { Dialog } from '../../parts/Dialog.tsx';
import { cronOf, myTimezone, NEVER, When, withOwn, word } from './by-itself.tsx';

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
  const save = async (e: SubmitEvent): Promise<void> => {
    e.preventDefault();
    try {
      await ask(() =>
        trpc.disks.setCare.mutate({
          care: { everyMinutes: Number(every()), short: cronOf(short()), long: cronOf(long()), timezone: myTimezone() },
        }),
      );
      setOpen(false);
      query.refetch();
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
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
                <When choices={WHEN} cron={query.data()?.care.short} next={query.data()?.next.short} />
              </dd>
            </div>
            <div>
              <dt>Long self-test</dt>
              <dd>
                <When choices={WHEN} cron={query.data()?.care.long} next={query.data()?.next.long} />
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
