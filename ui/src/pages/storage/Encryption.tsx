/** Keys of an encrypted dataset: what opens it, whether it is open, and what can be done about it. What is typed goes to be sealed, and nowhere else. */
import { A } from '@solidjs/router';
import { createSignal, type JSX, Match, Show, Switch } from 'solid-js';
import type { ObservedDataset } from '../../../../control/src/domain/dataset/dataset.ts';
import { isKeyFile, KEY_WORDS, type KeyKind, NewPassphrase } from '../../../../control/src/domain/key/key.ts';
import { type Problem, problemOf } from '../../data/problem.ts';
import { ask, whyNot } from '../../data/session.ts';
import { trpc } from '../../data/trpc.ts';
import { CheckField, type Choice, SelectField, TextField } from '../../forms/Field.tsx';
import { problemWith } from '../../forms/schema.ts';
import { Button, Note, ProblemBox, Section } from '../../parts/basic.tsx';
import { Dialog } from '../../parts/Dialog.tsx';
import { Status } from '../../parts/Status.tsx';
import { pageOf } from '../../parts/words.ts';
import { ChangeDialog } from '../../plan/ChangeDialog.tsx';

const sealed = async (secret: string, opens: string | null): Promise<string> =>
  (await ask(() => trpc.keys.seal.mutate({ secret, opens }))).sealed;

const KINDS: readonly Choice[] = [
  { value: 'passphrase', label: 'A passphrase, typed after every start' },
  { value: 'hex-file', label: 'A key file on this machine; opens by itself' },
  { value: 'raw-file', label: 'A key file of raw bytes; opens by itself' },
];
const kindOf = (value: string): KeyKind => (value === 'hex-file' || value === 'raw-file' ? value : 'passphrase');

export type NewKey = { kind: KeyKind; first: string; second: string };
export const NO_KEY: NewKey = { kind: 'passphrase', first: '', second: '' };
export const whyNoKey = (k: NewKey): { first?: string; second?: string } =>
  k.kind !== 'passphrase'
    ? {}
    : {
        ...(problemWith(NewPassphrase, k.first) !== undefined && { first: problemWith(NewPassphrase, k.first) as string }), // just looked
        ...(k.first !== k.second && { second: 'The two are not the same.' }),
      };
export const sealedKey = async (k: NewKey): Promise<string | null> => (k.kind === 'passphrase' ? sealed(k.first, null) : null);

/** What a new key is, with what losing it means. */
export const KeyFields = (props: { value: NewKey; onChange: (k: NewKey) => void; shown: boolean }): JSX.Element => (
  <>
    <SelectField
      label="Opened by"
      value={props.value.kind}
      onChange={(v) => props.onChange({ ...props.value, kind: kindOf(v) })}
      choices={KINDS}
    />
    <Show
      when={props.value.kind === 'passphrase'}
      fallback={
        <Note tone="warn" title="The key stays on this machine">
          <p>
            It protects disks that leave the machine, not a machine that is stolen whole. When its system disk is lost the data is lost too,
            unless a copy of the key is kept elsewhere: afterwards, this page gives you one.
          </p>
        </Note>
      }
    >
      <TextField
        label="Passphrase"
        type="password"
        autocomplete="new-password"
        value={props.value.first}
        onInput={(first) => props.onChange({ ...props.value, first })}
        help="At least 12 characters: a few words that only you would put together."
        problem={props.shown ? whyNoKey(props.value).first : undefined}
      />
      <TextField
        label="The same again"
        type="password"
        autocomplete="new-password"
        value={props.value.second}
        onInput={(second) => props.onChange({ ...props.value, second })}
        problem={props.shown ? whyNoKey(props.value).second : undefined}
      />
      <Note tone="warn" title="Nobody can read the data without it">
        <p>Not you, and not us. Write it down where it survives this machine.</p>
      </Note>
    </Show>
  </>
);

const Unlock = (props: { dataset: ObservedDataset; onClose: () => void }): JSX.Element => {
  const { name, keyKind } = props.dataset;
  const byFile = isKeyFile(keyKind ?? 'other');
  const [typed, setTyped] = createSignal('');
  const [copy, setCopy] = createSignal(false);
  const [shown, setShown] = createSignal(false);
  const asks = (): boolean => !byFile || copy();
  return (
    <ChangeDialog
      title={`Unlock ${name}`}
      about={
        byFile ? 'With its key file; it is mounted, and its shares are served again.' : 'It is mounted, and its shares are served again.'
      }
      onClose={props.onClose}
      onWrong={() => setShown(true)}
      changes={async () => {
        if (!asks()) return [{ kind: 'dataset.unlock', name }];
        return typed() === '' ? null : [{ kind: 'dataset.unlock', name, secret: await sealed(typed().trim(), name) }];
      }}
    >
      <Show when={byFile}>
        <CheckField
          label="The key file on this machine is gone"
          help="Then type what is in the copy that was kept of it."
          checked={copy()}
          onChange={setCopy}
        />
      </Show>
      <Show when={asks()}>
        <TextField
          label={byFile ? 'The 64 letters of the copy' : 'Passphrase'}
          type="password"
          autocomplete="off"
          autofocus
          value={typed()}
          onInput={setTyped}
          problem={shown() && typed() === '' ? 'Type it.' : undefined}
        />
      </Show>
    </ChangeDialog>
  );
};

const ChangeKey = (props: { name: string; onClose: () => void }): JSX.Element => {
  const [key, setKey] = createSignal<NewKey>(NO_KEY);
  const [shown, setShown] = createSignal(false);
  return (
    <ChangeDialog
      title={`Another key for ${props.name}`}
      about="The data stays as it is; from then on it opens with the new key alone."
      onClose={props.onClose}
      onWrong={() => setShown(true)}
      changes={async () =>
        Object.keys(whyNoKey(key())).length > 0
          ? null
          : [{ kind: 'dataset.changeKey', name: props.name, key: key().kind, passphrase: await sealedKey(key()) }]
      }
    >
      <KeyFields value={key()} onChange={setKey} shown={shown()} />
    </ChangeDialog>
  );
};

/** For what is kept elsewhere: the own password again, then a file of one line. */
const CopyKey = (props: { name: string; onClose: () => void }): JSX.Element => {
  const [password, setPassword] = createSignal('');
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const [busy, setBusy] = createSignal(false);
  const [given, setGiven] = createSignal(false);
  const trying = async (work: () => Promise<void>): Promise<void> => {
    setBusy(true);
    setProblem(null);
    try {
      await work();
    } catch (error) {
      setProblem(problemOf(error));
    }
    setBusy(false);
  };
  const download = (e: SubmitEvent): void => {
    e.preventDefault();
    void trying(async () => {
      const { hex } = await ask(() => trpc.keys.copy.mutate({ dataset: props.name, password: password() }));
      const url = URL.createObjectURL(new Blob([`${hex}\n`], { type: 'text/plain' }));
      const link = document.createElement('a');
      link.href = url;
      link.download = `${props.name.replaceAll('/', '-')}.key`;
      link.click();
      URL.revokeObjectURL(url);
      setPassword('');
      setGiven(true);
    });
  };
  const kept = (): void =>
    void trying(async () => {
      await ask(() => trpc.keys.backedUp.mutate({ dataset: props.name }));
      props.onClose();
    });
  return (
    <Dialog
      open
      onClose={props.onClose}
      title={`Copy the key of ${props.name}`}
      about="A file of one line. Whoever has it and the disks can read the data."
    >
      <Show
        when={given()}
        fallback={
          <form class="form" onSubmit={download}>
            <TextField
              label="Your own password"
              type="password"
              autocomplete="current-password"
              autofocus
              value={password()}
              onInput={setPassword}
              help="A key leaves the machine only for who proves to be you."
            />
            <Show when={problem()}>{(p) => <ProblemBox problem={p()} />}</Show>
            <div class="form-foot">
              <Button look="main" type="submit" busy={busy()} why={password() === '' ? 'Type your password first.' : undefined}>
                Download the key file
              </Button>
            </div>
          </form>
        }
      >
        <div class="form">
          <Note tone="warn" title="Keep it where it survives this machine">
            <p>On paper, on a stick in a drawer elsewhere, in a password manager. Not in a dataset of this machine.</p>
          </Note>
          <Show when={problem()}>{(p) => <ProblemBox problem={p()} />}</Show>
          <div class="form-foot">
            <Button look="main" busy={busy()} onClick={kept}>
              It is kept elsewhere
            </Button>
            <span class="dim">Until you say so, an alert stays open.</span>
          </div>
        </div>
      </Show>
    </Dialog>
  );
};

type Doing = 'unlock' | 'lock' | 'change' | 'copy';

export const Encryption = (props: { dataset: ObservedDataset }): JSX.Element => {
  const [doing, setDoing] = createSignal<Doing | null>(null);
  const stop = (): void => void setDoing(null);
  const d = (): ObservedDataset => props.dataset;
  const locked = (): boolean => d().keyStatus === 'unavailable';
  const isRoot = (): boolean => d().encryptionRoot === d().name;
  return (
    <Section title="Encryption" aside={<Status tone={locked() ? 'warn' : 'ok'}>{locked() ? 'locked' : 'open'}</Status>}>
      <div class="stack">
        <p>
          {d().encryption}.{' '}
          <Show
            when={isRoot()}
            fallback={
              <>
                It takes its key from{' '}
                <A href={pageOf(`dataset:${d().encryptionRoot}`) ?? '/storage/datasets'}>{d().encryptionRoot ?? 'another dataset'}</A>, and
                opens and closes with it.
              </>
            }
          >
            Opened by {KEY_WORDS[d().keyKind ?? 'other']}.
          </Show>
        </p>
        <Show when={isRoot() && isKeyFile(d().keyKind ?? 'other') && d().keyFile}>
          <Show when={d().keyBackedUp === false} fallback={<p class="dim">A copy of its key file is kept elsewhere.</p>}>
            <Note tone="warn" title="Nobody keeps a copy of its key file">
              <p>When the system disk of this machine is lost, what is in {d().name} is lost too.</p>
            </Note>
          </Show>
        </Show>
        <Show when={isRoot()}>
          <div class="row">
            <Show
              when={locked()}
              fallback={
                <>
                  <Button why={whyNot('storage.write')} onClick={() => setDoing('lock')}>
                    Lock
                  </Button>
                  <Button why={whyNot('storage.write')} onClick={() => setDoing('change')}>
                    Change key
                  </Button>
                </>
              }
            >
              <Button look="main" why={whyNot('storage.write')} onClick={() => setDoing('unlock')}>
                Unlock
              </Button>
            </Show>
            <Show when={isKeyFile(d().keyKind ?? 'other') && d().keyFile}>
              <Button why={whyNot('key.copy')} onClick={() => setDoing('copy')}>
                Copy key
              </Button>
            </Show>
          </div>
        </Show>
      </div>
      <Switch>
        <Match when={doing() === 'unlock'}>
          <Unlock dataset={d()} onClose={stop} />
        </Match>
        <Match when={doing() === 'lock'}>
          <ChangeDialog
            title={`Lock ${d().name}`}
            about="It is unmounted with all below it, and its key leaves the memory. While a client uses a share of it, this is refused."
            onClose={stop}
            changes={() => [{ kind: 'dataset.lock', name: d().name }]}
          />
        </Match>
        <Match when={doing() === 'change'}>
          <ChangeKey name={d().name} onClose={stop} />
        </Match>
        <Match when={doing() === 'copy'}>
          <CopyKey name={d().name} onClose={stop} />
        </Match>
      </Switch>
    </Section>
  );
};
