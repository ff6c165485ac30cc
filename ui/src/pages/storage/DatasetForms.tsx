/** Forms for datasets, with fields, choices and messages from the same schemas that the planner and the executor read. */
import { createMemo, createSignal, For, type JSX, Show } from 'solid-js';
import { createStore } from 'solid-js/store';
import { DatasetSpec, type ObservedDataset } from '../../../../control/src/domain/dataset/dataset.ts';
import { DatasetName, parentOf } from '../../../../control/src/domain/names.ts';
import { PROPERTY_NAMES, type PropertyName, ruleOf } from '../../../../control/src/domain/property/property.ts';
import { nothing, useQuery } from '../../data/query.ts';
import { trpc } from '../../data/trpc.ts';
import { CheckField, type Choice, SelectField, TextField } from '../../forms/Field.tsx';
import { choicesOf, problemsOf, problemWith, wordsOf } from '../../forms/schema.ts';
import { ChangeDialog, type Wanted } from '../../plan/ChangeDialog.tsx';
import { DestroyedView, RenamedView } from './Previews.tsx';
import { KeyFields, type NewKey, NO_KEY, sealedKey, whyNoKey } from './Encryption.tsx';

type Kind = 'filesystem' | 'volume';
/** Those that people set; the rest is behind "all properties". */
const USUAL: readonly PropertyName[] = ['volsize', 'compression', 'quota', 'recordsize', 'atime', 'sync'];

const PropertyField = (props: {
  name: PropertyName;
  value: string;
  /** What holds when nothing is set here. */
  unset: string;
  onInput: (v: string) => void;
  problem?: string | undefined;
}): JSX.Element => {
  const rule = ruleOf(props.name);
  const choices = choicesOf(rule.schema);
  const unset: Choice = { value: '', label: props.unset };
  return (
    <Show
      when={choices}
      fallback={
        <TextField
          label={props.name}
          value={props.value}
          onInput={props.onInput}
          placeholder={props.unset}
          problem={props.problem ?? (props.value === '' ? undefined : problemWith(rule.schema, props.value))}
          list={props.name === 'compression' ? ['lz4', 'zstd', 'zstd-9', 'gzip', 'off'] : wordsOf(rule.schema)}
        />
      }
    >
      {(list) => (
        <SelectField
          label={props.name}
          value={props.value}
          onChange={props.onInput}
          choices={[unset, ...list().map((c) => ({ value: c, label: c }))]}
          problem={props.problem}
        />
      )}
    </Show>
  );
};

const onlySet = (p: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(p).filter(([, v]) => v !== ''));
/** The usual ones first, in the order people think of them. */
const ORDERED: readonly PropertyName[] = [...USUAL, ...PROPERTY_NAMES.filter((n) => !USUAL.includes(n))];
const fits = (kind: Kind) => (n: PropertyName) => ruleOf(n).on === 'both' || ruleOf(n).on === kind;

export const CreateDataset = (props: { onClose: () => void; under?: string }): JSX.Element => {
  const datasets = useQuery('datasets', nothing, () => trpc.datasets.list.query(), { topics: ['dataset'] });
  const [name, setName] = createSignal(props.under === undefined ? '' : `${props.under}/`);
  const [kind, setKind] = createSignal<Kind>('filesystem');
  const [set, setSet] = createStore<Record<string, string>>({});
  const [all, setAll] = createSignal(false);
  const [shown, setShown] = createSignal(false);
  const [encrypted, setEncrypted] = createSignal(false);
  const [key, setKey] = createSignal<NewKey>(NO_KEY);
  /** Encrypted already, by what it lies in. */
  const above = createMemo(() => (datasets.data()?.datasets ?? []).find((d) => d.name === parentOf(name()))?.encryptionRoot ?? null);
  const parents = createMemo(() => (datasets.data()?.datasets ?? []).filter((d) => d.kind === 'filesystem').map((d) => `${d.name}/`));
  const spec = () => ({
    name: name(),
    kind: kind(),
    properties: onlySet(Object.fromEntries(Object.entries(set).filter(([k]) => fits(kind())(k as PropertyName)))),
    ...(encrypted() && { encryption: { key: key().kind } }),
  });
  const changes = async (): Promise<Wanted[] | null> => {
    if (Object.keys(problems()).length > 0 || (encrypted() && Object.keys(whyNoKey(key())).length > 0)) return null;
    const passphrase = encrypted() ? await sealedKey(key()) : null;
    return [{ kind: 'dataset.create', dataset: spec(), ...(passphrase !== null && { passphrase }) }];
  };
  const problems = createMemo((): Record<string, string> => {
    const found = problemsOf(DatasetSpec, spec());
    const parent = parentOf(name());
    const known = datasets.data()?.datasets;
    if (!found.name && known) {
      if (known.some((d) => d.name === name())) return { ...found, name: `There is a dataset ${name()} already.` };
      if (parent !== null && !known.some((d) => d.name === parent)) return { ...found, name: `There is no ${parent} to make it in.` };
    }
    return found;
  });
  const names = createMemo(() => ORDERED.filter(fits(kind())).filter((n) => all() || USUAL.includes(n)));
  return (
    <ChangeDialog title="Create a dataset" onClose={props.onClose} onWrong={() => setShown(true)} changes={changes}>
      <TextField
        label="Name"
        value={name()}
        onInput={setName}
        onBlur={() => name() !== '' && setShown(true)}
        autofocus
        mono
        list={parents()}
        placeholder="tank/media"
        help="Pool, then the path within it."
        problem={shown() ? problems().name : undefined}
      />
      <SelectField
        label="Kind"
        value={kind()}
        onChange={(v) => setKind(v === 'volume' ? 'volume' : 'filesystem')}
        choices={[
          { value: 'filesystem', label: 'Filesystem, for files' },
          { value: 'volume', label: 'Volume, a block device for a virtual machine' },
        ]}
      />
      <div class="props-form">
        <For each={names()}>
          {(n) => (
            <PropertyField
              name={n}
              value={set[n] ?? ''}
              unset={n === 'volsize' ? 'such as 10G' : ruleOf(n).inheritable ? 'inherited' : 'default'}
              onInput={(v) => setSet(n, v)}
              problem={shown() ? (problems()[`properties.${n}`] ?? (n === 'volsize' ? problems().properties : undefined)) : undefined}
            />
          )}
        </For>
      </div>
      <CheckField
        label={above() === null ? 'Encrypt it' : 'Give it a key of its own'}
        help={
          above() === null
            ? 'Chosen now or never: what is there can not be encrypted later.'
            : `Without one it opens and closes with ${above()}.`
        }
        checked={encrypted()}
        onChange={setEncrypted}
      />
      <Show when={encrypted()}>
        <KeyFields value={key()} onChange={setKey} shown={shown()} />
      </Show>
      <p>
        <button type="button" class="button quiet" aria-expanded={all()} onClick={() => setAll((v) => !v)}>
          {all() ? 'Fewer properties' : 'All properties'}
        </button>
      </p>
    </ChangeDialog>
  );
};

export const SetProperties = (props: { dataset: ObservedDataset; onClose: () => void }): JSX.Element => {
  const [set, setSet] = createStore<Record<string, string>>({});
  const [all, setAll] = createSignal(false);
  const names = createMemo(() =>
    ORDERED.filter(fits(props.dataset.kind))
      .filter((n) => ruleOf(n).fixed !== true)
      .filter((n) => all() || USUAL.includes(n) || props.dataset.properties[n]?.source === 'local'),
  );
  const current = (n: PropertyName): string => props.dataset.properties[n]?.value ?? 'none';
  const wrong = (n: string): string | undefined => {
    const v = set[n];
    return v === undefined || v === '' || v === 'inherit' ? undefined : problemWith(ruleOf(n as PropertyName).schema, v);
  };
  const changed = (): Record<string, string> => onlySet(set);
  return (
    <ChangeDialog
      title={`Properties of ${props.dataset.name}`}
      about="Only what you fill in changes."
      onClose={props.onClose}
      changes={() =>
        Object.keys(changed()).length === 0 || Object.keys(changed()).some(wrong)
          ? null
          : [{ kind: 'dataset.set', name: props.dataset.name, properties: changed() }]
      }
    >
      <div class="props-form">
        <For each={names()}>
          {(n) => (
            <PropertyField name={n} value={set[n] ?? ''} unset={`now ${current(n)}`} onInput={(v) => setSet(n, v)} problem={wrong(n)} />
          )}
        </For>
      </div>
      <p>
        <button type="button" class="button quiet" aria-expanded={all()} onClick={() => setAll((v) => !v)}>
          {all() ? 'Fewer properties' : 'All properties'}
        </button>
      </p>
    </ChangeDialog>
  );
};

export const RenameDataset = (props: { name: string; onClose: () => void }): JSX.Element => {
  const [to, setTo] = createSignal(props.name);
  const problem = (): string | undefined => problemWith(DatasetName, to());
  const view = useQuery(
    'preview-rename',
    () => (to() === props.name || problem() ? null : { dataset: props.name, to: to() }),
    (i) => trpc.preview.rename.query(i),
    { topics: ['dataset', 'share'] },
  );
  return (
    <ChangeDialog
      title={`Rename ${props.name}`}
      about="Shares on it and paths below it change with the name."
      onClose={props.onClose}
      changes={() => (to() === props.name || problem() ? null : [{ kind: 'dataset.rename', name: props.name, to: to() }])}
    >
      <TextField label="New name" value={to()} onInput={setTo} mono autofocus problem={problem()} />
      <Show when={to() !== props.name && !problem()}>
        <RenamedView query={view} />
      </Show>
    </ChangeDialog>
  );
};

export const DestroyDataset = (props: { name: string; onClose: () => void }): JSX.Element => {
  const view = useQuery(
    'preview-destroy',
    () => ({ dataset: props.name }),
    (i) => trpc.preview.destroy.query(i),
    { topics: ['dataset', 'snapshot', 'share'] },
  );
  return (
    <ChangeDialog
      title={`Destroy ${props.name}`}
      about="With everything below it. The plan names each dataset that would go; those that hold data wait for your approval by name."
      onClose={props.onClose}
      changes={() => [{ kind: 'dataset.destroy', name: props.name }]}
    >
      <DestroyedView query={view} />
    </ChangeDialog>
  );
};
