/** A share to make or to change: fields, choices and messages from the schema that the planner and the executor read. */
import { createMemo, createSignal, createUniqueId, For, type JSX, Show } from 'solid-js';
import { createStore } from 'solid-js/store';
import { NfsClient, type NfsShare, shareKey, ShareSpec, SmbShare } from '../../../../control/src/domain/share/share.ts';
import { ENCRYPT_WORDS, PRESET_WORDS, SIGN_WORDS, SQUASH_WORDS } from '../../../../control/src/domain/share/words.ts';
import { nothing, useQuery } from '../../data/query.ts';
import { trpc } from '../../data/trpc.ts';
import { CheckField, SelectField, TextField } from '../../forms/Field.tsx';
import { choicesOf, problemsOf } from '../../forms/schema.ts';
import { Button } from '../../parts/basic.tsx';
import { ChangeDialog } from '../../plan/ChangeDialog.tsx';
import '../../style/shares.css';

type Kind = ShareSpec['kind'];
type Client = NfsShare['clients'][number];
const asChoices = (values: readonly string[] | null, words: Readonly<Record<string, string>>) =>
  (values ?? []).map((value) => ({ value, label: words[value] ?? value }));
/** "anna, @family" as it is typed. */
const listOf = (text: string): string[] => text.split(/[\s,]+/).filter((x) => x !== '');

const NEW_CLIENT: Client = { host: '', access: 'rw', squash: 'root', sync: true };
type Texts = { name: string; dataset: string; folder: string; comment: string; validUsers: string; writeUsers: string; maxSize: string };

export const ShareForm = (props: { share?: ShareSpec; dataset?: string; onClose: () => void }): JSX.Element => {
  const was = props.share; // the form keeps what it began with, whatever changes meanwhile
  const smb = was?.kind === 'smb' ? was : null;
  const datasets = useQuery('datasets', nothing, () => trpc.datasets.list.query(), { topics: ['dataset'] });
  const shares = useQuery('shares', nothing, () => trpc.shares.list.query(), { topics: ['share'] });
  const [kind, setKind] = createSignal<Kind>(was?.kind ?? 'smb');
  const [text, setText] = createStore<Texts>({
    name: was?.name ?? '',
    dataset: was?.dataset ?? props.dataset ?? '',
    folder: was?.folder ?? '',
    comment: was?.comment ?? '',
    validUsers: smb?.validUsers.join(', ') ?? '',
    writeUsers: smb?.writeUsers.join(', ') ?? '',
    maxSize: smb?.maxSize ?? '',
  });
  const [options, setOptions] = createStore({
    readOnly: smb?.readOnly ?? false,
    browseable: smb?.browseable ?? true,
    guests: smb?.guests ?? false,
    previousVersions: smb?.previousVersions ?? true,
    preset: smb?.preset ?? 'general',
    encrypt: smb?.encrypt ?? 'desired',
    sign: smb?.sign ?? 'auto',
  });
  const [clients, setClients] = createStore<Client[]>(was?.kind === 'nfs' ? was.clients.map((c) => ({ ...c })) : [{ ...NEW_CLIENT }]);
  const [shown, setShown] = createSignal(false);
  const clientsLabel = createUniqueId();

  const spec = () => {
    const common = { name: text.name, dataset: text.dataset, folder: text.folder, comment: text.comment };
    return kind() === 'smb'
      ? {
          kind: 'smb' as const,
          ...common,
          ...options,
          validUsers: listOf(text.validUsers),
          writeUsers: listOf(text.writeUsers),
          maxSize: options.preset === 'time-machine' ? text.maxSize.trim() : '',
        }
      : { kind: 'nfs' as const, ...common, clients: clients.map((c) => ({ ...c })) };
  };
  const problems = createMemo((): Record<string, string> => {
    const found = problemsOf(ShareSpec, spec());
    const known = datasets.data()?.datasets.find((d) => d.name === text.dataset);
    if (!found.dataset && datasets.data() && known?.kind !== 'filesystem')
      found.dataset = known ? 'A volume holds no files to share.' : `There is no dataset ${text.dataset}.`;
    const taken = shares.data()?.shares.some((s) => shareKey(s.spec) === shareKey({ kind: kind(), name: text.name }));
    if (!was && !found.name && taken) found.name = `There is a share ${text.name} already.`;
    return found;
  });
  const problemAt = (path: string): string | undefined =>
    shown() ? (problems()[path] ?? Object.entries(problems()).find(([k]) => k.startsWith(`${path}.`))?.[1]) : undefined;
  const field = (name: keyof Texts, label: string, more: Partial<Parameters<typeof TextField>[0]> = {}): JSX.Element => (
    <TextField label={label} value={text[name]} onInput={(v) => setText(name, v)} problem={problemAt(name)} {...more} />
  );
  return (
    <ChangeDialog
      title={was ? `Change share ${was.name}` : 'Create a share'}
      wide
      onClose={props.onClose}
      onWrong={() => setShown(true)}
      changes={() => (Object.keys(problems()).length > 0 ? null : [{ kind: 'share.put', share: spec() }])}
    >
      <Show when={!was}>
        <SelectField
          label="Kind"
          value={kind()}
          onChange={(v) => setKind(v === 'nfs' ? 'nfs' : 'smb')}
          choices={[
            { value: 'smb', label: 'SMB, for Windows, macOS and phones' },
            { value: 'nfs', label: 'NFS, for Linux and virtual machines' },
          ]}
        />
      </Show>
      <div class="pair">
        <Show when={!was}>{field('name', 'Name', { autofocus: true, help: 'As it is seen in the network.' })}</Show>
        {field('dataset', 'Dataset', {
          mono: true,
          list: (datasets.data()?.datasets ?? []).filter((d) => d.kind === 'filesystem').map((d) => d.name),
        })}
        {field('folder', 'Folder in it', { mono: true, optional: true, placeholder: '/', help: 'Empty for all of it.' })}
        {field('comment', 'Comment', { optional: true })}
      </div>
      <Show
        when={kind() === 'smb'}
        fallback={
          <fieldset class="clients" aria-labelledby={clientsLabel}>
            <p class="legend" id={clientsLabel}>
              Who may mount it
            </p>
            <For each={clients}>
              {(c, i) => (
                <div class="client">
                  <TextField
                    label={`Host or network ${i() + 1}`}
                    value={c.host}
                    onInput={(v) => setClients(i(), 'host', v)}
                    mono
                    placeholder="192.168.1.0/24"
                    problem={problemAt(`clients.${i()}`)}
                  />
                  <SelectField
                    label="May"
                    value={c.access}
                    onChange={(v) => setClients(i(), 'access', v === 'ro' ? 'ro' : 'rw')}
                    choices={[
                      { value: 'rw', label: 'read and write' },
                      { value: 'ro', label: 'read' },
                    ]}
                  />
                  <SelectField
                    label="As whom"
                    value={c.squash}
                    onChange={(v) => setClients(i(), 'squash', NfsClient.shape.squash.parse(v))}
                    choices={asChoices(choicesOf(NfsClient.shape.squash), SQUASH_WORDS)}
                  />
                  <CheckField label="Wait for the disk" checked={c.sync} onChange={(v) => setClients(i(), 'sync', v)} />
                  <Button
                    look="quiet"
                    aria-label={`Remove client ${i() + 1}`}
                    why={clients.length === 1 ? 'One has to stay.' : undefined}
                    onClick={() => setClients((all) => all.filter((_, n) => n !== i()))}
                  >
                    Remove
                  </Button>
                </div>
              )}
            </For>
            <p>
              <Button icon="plus" onClick={() => setClients(clients.length, { ...NEW_CLIENT })}>
                Another client
              </Button>
            </p>
            <p class="problem" aria-live="polite">
              {shown() ? problems().clients : ''}
            </p>
          </fieldset>
        }
      >
        <div class="pair">
          <SelectField
            label="Made for"
            value={options.preset}
            onChange={(v) => {
              setOptions('preset', SmbShare.shape.preset.unwrap().parse(v));
              // players read; who writes is named
              if (v === 'media') setOptions('readOnly', true);
            }}
            choices={asChoices(choicesOf(SmbShare.shape.preset.unwrap()), PRESET_WORDS)}
          />
          <SelectField
            label="Encryption on the wire"
            value={options.encrypt}
            onChange={(v) => setOptions('encrypt', SmbShare.shape.encrypt.unwrap().parse(v))}
            choices={asChoices(choicesOf(SmbShare.shape.encrypt.unwrap()), ENCRYPT_WORDS)}
          />
          <SelectField
            label="Signing on the wire"
            value={options.sign}
            onChange={(v) => setOptions('sign', SmbShare.shape.sign.unwrap().parse(v))}
            choices={asChoices(choicesOf(SmbShare.shape.sign.unwrap()), SIGN_WORDS)}
          />
          <Show when={options.preset === 'time-machine'}>
            {field('maxSize', 'Macs may fill at most', { optional: true, placeholder: '2T', help: 'Empty for all the space there is.' })}
          </Show>
          {field('validUsers', 'Only for', {
            optional: true,
            placeholder: 'anna, @family',
            help: 'Users and @groups; empty for everyone with an account.',
          })}
          {field('writeUsers', 'Who may write although it is read only', { optional: true, placeholder: 'ben' })}
          <CheckField label="Read only" checked={options.readOnly} onChange={(v) => setOptions('readOnly', v)} />
          <CheckField label="Guests without an account" checked={options.guests} onChange={(v) => setOptions('guests', v)} />
          <CheckField
            label="Shown when the network is browsed"
            checked={options.browseable}
            onChange={(v) => setOptions('browseable', v)}
          />
          <CheckField
            label="Previous versions"
            help="Windows offers the dataset's snapshots."
            checked={options.previousVersions}
            onChange={(v) => setOptions('previousVersions', v)}
          />
        </div>
      </Show>
    </ChangeDialog>
  );
};
