/** What can be done to a pool and to each of its disks. What is not possible stays in the menu and says why, by the same rules the planner has. */
import { useNavigate } from '@solidjs/router';
import { createSignal, type JSX, Match, Show, Switch } from 'solid-js';
import { diskLabel } from '../../../../control/src/domain/disk/disk.ts';
import type { ObservedPool, ObservedVdev } from '../../../../control/src/domain/pool/pool.ts';
import { mayDetach, mayGoOffline, type Verdict, works } from '../../../../control/src/domain/pool/redundancy.ts';
import { whyNot } from '../../data/session.ts';
import { Menu, type MenuItem } from '../../parts/Menu.tsx';
import { shortDisk } from '../../parts/words.ts';
import { ChangeDialog, type Wanted } from '../../plan/ChangeDialog.tsx';
import { AttachDisk } from './AttachDisk.tsx';
import { CreatePool } from './CreatePool.tsx';

type Leaf = ObservedVdev['disks'][number];
type Dialog = { title: string; about: string; change: Wanted };

const may = (): string | undefined => whyNot('storage.write');
const because = (v: Verdict): string | undefined => ('no' in v ? v.no : undefined);

export const replacePath = (pool: string, disk: string): string =>
  `/storage/pools/${encodeURIComponent(pool)}/replace/${encodeURIComponent(diskLabel(disk))}`;

export const DiskActions = (props: { pool: ObservedPool; vdev: ObservedVdev; disk: Leaf }): JSX.Element => {
  const navigate = useNavigate();
  const [dialog, setDialog] = createSignal<Dialog | 'attach' | null>(null);
  const label = () => shortDisk(props.disk.path);
  const found = () => ({ vdev: props.vdev, disk: props.disk, standIn: null });
  const base = () => ({ name: props.pool.name, disk: props.disk.guid });
  const replaced = () => (props.disk.standIns ?? []).some((s) => s.kind === 'replacing');
  const items = (): MenuItem[] => {
    const { role, kind } = props.vdev;
    const aside = role === 'spare' || role === 'log' || role === 'cache';
    return [
      {
        label: replaced() ? 'How far its replacement is' : 'Replace …',
        why: may() ?? (role === 'spare' ? 'It is a spare: remove it and add another.' : undefined),
        onSelect: () => navigate(replacePath(props.pool.name, props.disk.path)),
      },
      ...(works(props.disk.state) && props.disk.state !== 'AVAIL'
        ? [
            {
              label: 'Switch off …',
              why: may() ?? because(mayGoOffline(found())),
              onSelect: () =>
                setDialog({
                  title: `Switch off ${label()}`,
                  about: 'The pool goes on without it, until it is switched on again. What is written meanwhile is made up for then.',
                  change: { kind: 'pool.offline', ...base() },
                }),
            },
          ]
        : [
            {
              label: 'Use it again …',
              why: may() ?? (props.disk.state === 'AVAIL' ? 'It waits as a spare.' : undefined),
              onSelect: () =>
                setDialog({
                  title: `Use ${label()} again`,
                  about: 'If it is the disk that the pool had, it is brought up to date and used again.',
                  change: { kind: 'pool.online', ...base() },
                }),
            },
          ]),
      ...(aside && role !== 'log'
        ? []
        : kind === 'mirror' || kind === 'stripe'
          ? [{ label: 'Attach a mirror …', why: may(), onSelect: () => setDialog('attach') }]
          : []),
      ...(kind === 'mirror'
        ? [
            {
              label: 'Detach …',
              danger: true,
              why: may() ?? because(mayDetach(found())),
              onSelect: () =>
                setDialog({
                  title: `Detach ${label()}`,
                  about: 'It leaves its mirror for good. What it held is still held by the others.',
                  change: { kind: 'pool.detach', ...base() },
                }),
            },
          ]
        : []),
      ...(aside
        ? [
            {
              label: 'Remove …',
              danger: true,
              why: may() ?? (props.disk.state === 'INUSE' ? 'It stands in for another disk.' : undefined),
              onSelect: () =>
                setDialog({
                  title: `Remove ${label()}`,
                  about: `The pool goes on without this ${role}. No data is on it alone.`,
                  change: { kind: 'pool.remove', ...base() },
                }),
            },
          ]
        : []),
      ...(props.disk.readErrors + props.disk.writeErrors + props.disk.checksumErrors > 0 || props.disk.state === 'FAULTED'
        ? [
            {
              label: 'Forget its errors …',
              why: may(),
              onSelect: () =>
                setDialog({
                  title: `Forget the errors of ${label()}`,
                  about: 'Counters begin at zero and the disk is tried again. If it fails once more, replace it.',
                  change: { kind: 'pool.clear', ...base() },
                }),
            },
          ]
        : []),
    ];
  };
  return (
    <>
      <Menu label={`Actions for ${label()}`} look="quiet small" items={items()}>
        <span class="sr">Actions for {label()}</span>
      </Menu>
      <Switch>
        <Match when={dialog() === 'attach'}>
          <AttachDisk pool={props.pool} to={props.disk.guid} label={label()} onClose={() => setDialog(null)} />
        </Match>
        <Match when={dialog()}>
          {(d) => {
            const x = d() as Dialog; // 'attach' was matched above
            return <ChangeDialog title={x.title} about={x.about} onClose={() => setDialog(null)} changes={() => [x.change]} />;
          }}
        </Match>
      </Switch>
    </>
  );
};

export const PoolActions = (props: { pool: ObservedPool }): JSX.Element => {
  const [dialog, setDialog] = createSignal<Dialog | 'add' | { grow: ObservedVdev } | null>(null);
  const name = () => props.pool.name;
  const scanning = () => props.pool.scan.state === 'scanning' && props.pool.scan.kind === 'scrub';
  const expands = () => props.pool.options.autoexpand === 'on';
  const items = (): MenuItem[] => [
    { label: 'Add disks …', why: may(), onSelect: () => setDialog('add') },
    ...props.pool.vdevs
      .filter((v) => v.kind.startsWith('raidz'))
      .map((v) => ({ label: `Make ${v.name} one disk wider …`, why: may(), onSelect: () => setDialog({ grow: v }) })),
    ...(scanning()
      ? [
          {
            label: 'Pause the scrub …',
            why: may(),
            onSelect: () =>
              setDialog({
                title: `Pause the scrub of ${name()}`,
                about: 'It goes on where it was when it is started again.',
                change: { kind: 'pool.scrub', name: name(), action: 'pause' },
              }),
          },
        ]
      : []),
    {
      label: 'Trim …',
      why: may(),
      onSelect: () =>
        setDialog({
          title: `Trim ${name()}`,
          about: 'Solid state disks are told which space is free. They write faster afterwards, and live longer.',
          change: { kind: 'pool.trim', name: name(), action: 'start' },
        }),
    },
    {
      label: expands() ? "Don't grow with larger disks …" : 'Grow with larger disks …',
      why: may(),
      onSelect: () =>
        setDialog({
          title: expands() ? `Keep ${name()} at its size` : `Let ${name()} grow`,
          about: 'When every disk of a vdev has been replaced by a larger one, the pool uses the space by itself (autoexpand).',
          change: { kind: 'pool.set', name: name(), options: { autoexpand: expands() ? 'off' : 'on' } },
        }),
    },
    {
      label: 'Forget errors …',
      why: may(),
      onSelect: () =>
        setDialog({
          title: `Forget the errors of ${name()}`,
          about: 'Counters begin at zero, and disks that were given up are tried again. A suspended pool goes on, if its disks are back.',
          change: { kind: 'pool.clear', name: name() },
        }),
    },
    {
      label: props.pool.checkpoint ? 'Discard its checkpoint …' : 'Make a checkpoint …',
      why: may(),
      onSelect: () =>
        setDialog({
          title: props.pool.checkpoint ? `Discard the checkpoint of ${name()}` : `Make a checkpoint of ${name()}`,
          about:
            'A checkpoint keeps the whole pool as it was. While there is one, nothing that is freed becomes free, and no disk can be attached or removed.',
          change: { kind: 'pool.checkpoint', name: name(), action: props.pool.checkpoint ? 'discard' : 'create' },
        }),
    },
    {
      label: 'Switch on new features …',
      why: may(),
      onSelect: () =>
        setDialog({
          title: `Upgrade ${name()}`,
          about: 'Features of the running ZFS are switched on. An older ZFS can not read the pool afterwards, and there is no way back.',
          change: { kind: 'pool.upgrade', name: name() },
        }),
    },
    {
      label: 'Export …',
      why: may(),
      danger: true,
      onSelect: () =>
        setDialog({
          title: `Export ${name()}`,
          about:
            'It is given up cleanly: its disks can be moved to another machine, or imported again here. Until then nothing on it can be read.',
          change: { kind: 'pool.export', name: name() },
        }),
    },
  ];
  return (
    <>
      <Menu label={`More for ${name()}`} items={items()}>
        <span>More</span>
      </Menu>
      <Switch>
        <Match when={dialog() === 'add'}>
          <CreatePool to={props.pool} onClose={() => setDialog(null)} />
        </Match>
        <Match when={dialog()}>
          {(d) => {
            const x = d() as Dialog | { grow: ObservedVdev }; // 'add' was matched above
            return (
              <Show
                when={'grow' in x ? x.grow : null}
                fallback={
                  'title' in x ? (
                    <ChangeDialog title={x.title} about={x.about} onClose={() => setDialog(null)} changes={() => [x.change]} />
                  ) : null
                }
              >
                {(v) => <AttachDisk pool={props.pool} to={v().guid} label={v().name} wider onClose={() => setDialog(null)} />}
              </Show>
            );
          }}
        </Match>
      </Switch>
    </>
  );
};
