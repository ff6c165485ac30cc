/** Bringing a file or folder back: to its place, beside what is there, or somewhere else; as a plan, like everything. */
import { createSignal, type JSX, Show } from 'solid-js';
import { DatasetName } from '../../../../control/src/domain/names.ts';
import { besideName, type FileEntry, FileName, FilePath } from '../../../../control/src/domain/snapshot/files.ts';
import { nothing, useQuery } from '../../data/query.ts';
import { trpc } from '../../data/trpc.ts';
import { CheckField, SelectField, TextField } from '../../forms/Field.tsx';
import { problemWith } from '../../forms/schema.ts';
import { ChangeDialog } from '../../plan/ChangeDialog.tsx';

type Where = 'place' | 'beside' | 'elsewhere';
export type Item = { dataset: string; tag: string; guid: string; path: string; entry: FileEntry };

export const Restore = (props: { item: Item; onClose: () => void }): JSX.Element => {
  const { dataset, tag, guid, path, entry } = props.item;
  const cut = path.lastIndexOf('/');
  const folderOf = cut < 0 ? '' : path.slice(0, cut);
  const datasets = useQuery('datasets', nothing, () => trpc.datasets.list.query(), { topics: ['dataset'] });
  const [where, setWhere] = createSignal<Where>('beside');
  const [other, setOther] = createSignal(dataset);
  const [folder, setFolder] = createSignal(folderOf);
  const [name, setName] = createSignal(entry.name);
  const [replace, setReplace] = createSignal(false);
  const to = () =>
    where() === 'elsewhere'
      ? { dataset: other(), folder: folder().replace(/^\/+|\/+$/g, ''), name: name() }
      : { dataset, folder: folderOf, name: where() === 'beside' ? besideName(entry.name, tag) : entry.name };
  const wrong = () => ({
    dataset: problemWith(DatasetName, to().dataset),
    folder: problemWith(FilePath, to().folder),
    name: problemWith(FileName, to().name),
  });
  const mayReplace = () => where() !== 'beside' && entry.type === 'file';
  return (
    <ChangeDialog
      title={`Restore ${entry.name}`}
      about={`As it was in ${dataset}@${tag}, with owner, permissions, ACLs and attributes. It is compared byte by byte before it is called done.`}
      onClose={props.onClose}
      changes={() =>
        Object.values(wrong()).some((p) => p !== undefined)
          ? null
          : [{ kind: 'snapshot.restore', dataset, tag, guid, path, to: to(), replace: mayReplace() && replace() }]
      }
    >
      <SelectField
        label="Where to"
        value={where()}
        onChange={(v) => setWhere(v === 'place' || v === 'elsewhere' ? v : 'beside')}
        choices={[
          { value: 'beside', label: 'Beside what is there now' },
          { value: 'place', label: 'To its place' },
          { value: 'elsewhere', label: 'Somewhere else' },
        ]}
      />
      <Show when={where() === 'elsewhere'}>
        <TextField
          label="Dataset"
          value={other()}
          onInput={setOther}
          mono
          list={(datasets.data()?.datasets ?? []).filter((d) => d.kind === 'filesystem').map((d) => d.name)}
          problem={wrong().dataset}
        />
        <TextField label="Folder" value={folder()} onInput={setFolder} mono optional problem={wrong().folder} help="It has to be there." />
        <TextField label="Name" value={name()} onInput={setName} mono problem={wrong().name} />
      </Show>
      <p class="help mono">
        {to().dataset}:{to().folder === '' ? '' : `${to().folder}/`}
        {to().name}
      </p>
      <Show when={mayReplace()}>
        <CheckField
          label="Replace the file that is there"
          checked={replace()}
          onChange={setReplace}
          help="What it holds now is lost. This waits for your approval by its exact name."
        />
      </Show>
    </ChangeDialog>
  );
};
