/** What an executed operation is called in events and audit: one place, so that every path says it alike. */
import { sourceName } from '../domain/bundle/bundle.ts';
import { diskLabel } from '../domain/disk/disk.ts';
import { KEY_WORDS } from '../domain/key/key.ts';
import { formatBytes } from '../domain/units.ts';
import { MODES } from '../domain/permission/permission.ts';
import type { EventKind } from '../domain/event/event.ts';
import { type Operation, placeName, rangeName } from '../domain/operation/operation.ts';
import { shareKey } from '../domain/share/share.ts';

export type Fact = { kind: EventKind; subject: string; message: string };

export const factOf = (op: Operation): Fact => {
  switch (op.kind) {
    case 'pool.create':
      return { kind: 'pool.created', subject: `pool:${op.name}`, message: `pool ${op.name} was created` };
    case 'pool.set':
      return { kind: 'pool.changed', subject: `pool:${op.name}`, message: `options of pool ${op.name} were changed` };
    case 'pool.keep': {
      const { care, capacity, heartbeat } = op.settings;
      const words = [
        ...(care ? [`scrub ${care.scrub ?? 'never'}, trim ${care.trim ?? 'never'} (${care.timezone})`] : []),
        ...(capacity ? [`filling at ${capacity.warn}%, nearly full at ${capacity.high}%, full at ${capacity.full}%`] : []),
        ...(heartbeat ? [heartbeat.on ? `a heartbeat may take ${heartbeat.limit / 1000} s` : 'no heartbeat'] : []),
      ];
      return { kind: 'pool.changed', subject: `pool:${op.name}`, message: `pool ${op.name}: ${words.join('; ')}` };
    }
    case 'pool.scrub':
      return { kind: 'pool.changed', subject: `pool:${op.name}`, message: `scrub of pool ${op.name}: ${op.action}` };
    case 'pool.replace':
      return {
        kind: 'pool.changed',
        subject: `pool:${op.name}`,
        message: `${diskLabel(op.with)} takes the place of ${op.label} in pool ${op.name}`,
      };
    case 'pool.attach':
      return {
        kind: 'pool.changed',
        subject: `pool:${op.name}`,
        message: `${diskLabel(op.with)} was attached to ${op.label} in pool ${op.name}`,
      };
    case 'pool.detach':
      return { kind: 'pool.changed', subject: `pool:${op.name}`, message: `${op.label} was detached from pool ${op.name}` };
    case 'pool.online':
      return { kind: 'pool.changed', subject: `pool:${op.name}`, message: `${op.label} is used by pool ${op.name} again` };
    case 'pool.offline':
      return { kind: 'pool.changed', subject: `pool:${op.name}`, message: `${op.label} was switched off in pool ${op.name}` };
    case 'pool.reopen':
      return { kind: 'pool.changed', subject: `pool:${op.name}`, message: `the disks of pool ${op.name} were looked at anew` };
    case 'pool.clear':
      return { kind: 'pool.changed', subject: `pool:${op.name}`, message: `errors of pool ${op.name} were cleared` };
    case 'pool.add':
      return {
        kind: 'pool.changed',
        subject: `pool:${op.name}`,
        message: `${op.vdevs.flatMap((v) => v.disks.map(diskLabel)).join(', ')} joined pool ${op.name}`,
      };
    case 'pool.remove':
      return { kind: 'pool.changed', subject: `pool:${op.name}`, message: `${op.label} was removed from pool ${op.name}` };
    case 'pool.trim':
      return { kind: 'pool.changed', subject: `pool:${op.name}`, message: `trim of pool ${op.name}: ${op.action}` };
    case 'pool.scan':
      return { kind: 'pool.changed', subject: 'pools', message: 'pools on the disks were looked for' };
    case 'pool.events':
      return { kind: 'pool.changed', subject: 'pools', message: 'the events of ZFS were read' };
    case 'pool.gate':
      return { kind: 'pool.changed', subject: 'pools', message: 'missing pools were looked for' };
    case 'pool.beat':
      return {
        kind: 'pool.changed',
        subject: `pool:${op.name}`,
        message: `the heartbeat of pool ${op.name} was ${op.on ? 'begun' : 'ended'}`,
      };
    case 'pool.fail':
      return {
        kind: 'pool.changed',
        subject: `pool:${op.name}`,
        message: op.failed ? `what runs on pool ${op.name} was told to stop` : `what runs on pool ${op.name} may start again`,
      };
    case 'pool.reserve':
      return {
        kind: 'pool.reserve-changed',
        subject: `pool:${op.name}`,
        message:
          op.bytes > 0 ? `${formatBytes(op.bytes)} of pool ${op.name} are held back` : `the reserve of pool ${op.name} was given free`,
      };
    case 'pool.import':
      return {
        kind: 'pool.imported',
        subject: `pool:${op.as ?? op.name}`,
        message: `pool ${op.name} was imported${op.as === null ? '' : ` as ${op.as}`}${op.readonly ? ', read-only' : ''}${op.force ? ', by force' : ''}`,
      };
    case 'pool.export':
      return { kind: 'pool.exported', subject: `pool:${op.name}`, message: `pool ${op.name} was exported` };
    case 'pool.checkpoint':
      return {
        kind: 'pool.changed',
        subject: `pool:${op.name}`,
        message: op.action === 'create' ? `pool ${op.name} has a checkpoint` : `the checkpoint of pool ${op.name} was discarded`,
      };
    case 'pool.upgrade':
      return { kind: 'pool.changed', subject: `pool:${op.name}`, message: `pool ${op.name} has all features of this ZFS` };
    case 'pool.forget':
      return { kind: 'pool.forgotten', subject: `pool:${op.name}`, message: `nothing waits for pool ${op.name} any more` };
    case 'disk.smart':
      return { kind: 'disk.tested', subject: `disk:${op.path}`, message: `${diskLabel(op.path)} was asked for its health` };
    case 'disk.test':
      return {
        kind: 'disk.tested',
        subject: `disk:${op.path}`,
        message:
          op.test === 'stop'
            ? `the self-test of ${diskLabel(op.path)} was stopped`
            : `a ${op.test} self-test of ${diskLabel(op.path)} began`,
      };
    case 'disk.erase':
      return { kind: 'disk.erased', subject: `disk:${op.path}`, message: `${diskLabel(op.path)} was erased` };
    case 'dataset.create':
      return {
        kind: 'dataset.created',
        subject: `dataset:${op.name}`,
        message: `${op.type} ${op.name} was created${op.encryption ? `, encrypted with ${KEY_WORDS[op.encryption.key]}` : ''}`,
      };
    case 'dataset.set':
      return {
        kind: 'dataset.changed',
        subject: `dataset:${op.name}`,
        message: `${op.name}: ${[...Object.entries(op.set).map(([k, v]) => `${k}=${v}`), ...op.inherit.map((p) => `${p} inherited`)].join(', ')}`,
      };
    case 'dataset.rename':
      return { kind: 'dataset.renamed', subject: `dataset:${op.to}`, message: `dataset ${op.name} was renamed to ${op.to}` };
    case 'dataset.destroy':
      return { kind: 'dataset.destroyed', subject: `dataset:${op.name}`, message: `dataset ${op.name} was destroyed` };
    case 'dataset.unlock':
      return { kind: 'dataset.changed', subject: `dataset:${op.name}`, message: `${op.name} was unlocked` };
    case 'dataset.lock':
      return { kind: 'dataset.changed', subject: `dataset:${op.name}`, message: `${op.name} was locked` };
    case 'dataset.changeKey':
      return { kind: 'dataset.changed', subject: `dataset:${op.name}`, message: `${op.name} has another key: ${KEY_WORDS[op.key]}` };
    case 'key.read':
      return { kind: 'dataset.changed', subject: `dataset:${op.name}`, message: `the key file of ${op.name} was copied` };
    case 'key.seal':
    case 'key.list':
      return { kind: 'dataset.changed', subject: 'keys', message: 'keys were looked at' };
    case 'snapshot.create':
      return {
        kind: 'snapshot.created',
        subject: `dataset:${op.dataset}`,
        message: `snapshot ${op.dataset}@${op.tag} was taken${op.recursive ? ', with all below it' : ''}`,
      };
    case 'snapshot.destroy':
      return { kind: 'snapshot.destroyed', subject: `dataset:${op.dataset}`, message: `snapshot ${op.dataset}@${op.tag} was destroyed` };
    case 'snapshot.hold':
      return {
        kind: 'snapshot.changed',
        subject: `dataset:${op.dataset}`,
        message: `snapshot ${op.dataset}@${op.tag} is held as ${op.hold}`,
      };
    case 'snapshot.release':
      return {
        kind: 'snapshot.changed',
        subject: `dataset:${op.dataset}`,
        message: `hold ${op.hold} of ${op.dataset}@${op.tag} was released`,
      };
    case 'share.put':
      return {
        kind: 'share.changed',
        subject: `share:${shareKey(op.share)}`,
        message: `share ${op.share.name} (${op.share.kind}) serves ${op.share.dataset}`,
      };
    case 'share.remove':
      return { kind: 'share.removed', subject: `share:${op.share}:${op.name}`, message: `share ${op.name} (${op.share}) was removed` };
    case 'update.apply':
      return { kind: 'update.started', subject: 'updates', message: `an update is installed from ${sourceName(op.source)}` };
    case 'update.cancel':
      return { kind: 'update.cancelled', subject: 'updates', message: 'the update was cancelled' };
    case 'update.rollback':
      return { kind: 'update.rolled-back', subject: `slot:${op.slot}`, message: `the next start goes back to slot ${op.slot}` };
    case 'update.confirm':
      return { kind: 'update.confirmed', subject: `slot:${op.slot}`, message: `slot ${op.slot} was confirmed by hand` };
    case 'generation.activate':
      return { kind: 'generation.activated', subject: `generation:${op.number}`, message: `generation ${op.number} starts next` };
    case 'generation.delete':
      return {
        kind: 'generation.deleted',
        subject: 'generations',
        message: `generations ${op.generations.map((g) => g.number).join(', ')} were deleted`,
      };
    case 'system.restart':
      return { kind: 'system.restarting', subject: 'system', message: 'the machine restarts' };
    case 'snapshot.destroyMany':
      return {
        kind: 'snapshot.destroyed',
        subject: `dataset:${op.dataset}`,
        message: `${op.snapshots.length} snapshots ${rangeName(op)} were destroyed`,
      };
    case 'snapshot.rollback':
      return {
        kind: 'dataset.changed',
        subject: `dataset:${op.dataset}`,
        message: `${op.dataset} was rolled back to ${op.tag}${op.loses.length > 0 ? `, ${op.loses.length} newer snapshots went with it` : ''}`,
      };
    case 'snapshot.clone':
      return { kind: 'dataset.created', subject: `dataset:${op.to}`, message: `${op.to} was made from ${op.dataset}@${op.tag}` };
    case 'clone.watch':
      return { kind: 'dataset.changed', subject: `dataset:${op.clone}`, message: `clone ${op.clone} is to end after ${op.hours} hours` };
    case 'clone.extend':
      return { kind: 'dataset.changed', subject: `dataset:${op.clone}`, message: `clone ${op.clone} ends in ${op.hours} hours` };
    case 'clone.keep':
      return { kind: 'dataset.changed', subject: `dataset:${op.name}`, message: `clone ${op.name} is kept: it has no end any more` };
    case 'clone.expire':
      return { kind: 'dataset.destroyed', subject: `dataset:${op.name}`, message: `clone ${op.name} was ended, as it was made` };
    case 'dataset.promote':
      return { kind: 'dataset.changed', subject: `dataset:${op.name}`, message: `clone ${op.name} was promoted` };
    case 'snapshot.prune':
      return {
        kind: 'snapshot.destroyed',
        subject: `dataset:${op.dataset}`,
        message: `${op.snapshots.length} ${op.snapshots.length === 1 ? 'snapshot' : 'snapshots'} of ${op.dataset} that schedule ${op.mark.split('@')[0]} no longer keeps`,
      };
    case 'schedule.put':
      return {
        kind: 'schedule.changed',
        subject: `schedule:${op.schedule.name}`,
        message: `schedule ${op.schedule.name} takes snapshots of ${op.schedule.dataset} at ${op.schedule.cron} (${op.schedule.timezone})${op.schedule.enabled ? '' : ', but is switched off'}`,
      };
    case 'schedule.remove':
      return { kind: 'schedule.removed', subject: `schedule:${op.name}`, message: `schedule ${op.name} was removed; its snapshots stay` };
    case 'memory.arc':
      return {
        kind: 'memory.arc-set',
        subject: 'system',
        message:
          op.limit === null ? "the limit of ZFS's cache is automatic" : `ZFS's cache may take ${formatBytes(op.limit)}, as it was chosen`,
      };
    case 'arc.set':
      return { kind: 'memory.arc-set', subject: 'system', message: `ZFS's cache may take ${formatBytes(op.max)}` };
    case 'snapshot.restore':
      return {
        kind: 'file.restored',
        subject: `dataset:${op.to.dataset}`,
        message: `${op.path === '' ? 'everything' : op.path} of ${op.dataset}@${op.tag} was restored to ${placeName(op.to)}`,
      };
    case 'snapshot.browse':
    case 'snapshot.search':
    case 'snapshot.versions':
    case 'snapshot.read':
    case 'snapshot.diff':
    case 'snapshot.settle':
      return { kind: 'snapshot.changed', subject: `dataset:${op.dataset}`, message: `snapshots of ${op.dataset} were looked at` };
    case 'dataset.settle':
      return { kind: 'dataset.changed', subject: `dataset:${op.name}`, message: `${op.name}: what was to be mounted is mounted` };
    case 'dataset.permit':
      return {
        kind: 'dataset.changed',
        subject: `dataset:${op.name}`,
        message: `permissions of ${op.name}${op.recursive ? ' and all that is in it' : ''}: owner ${op.owner}, group ${op.group}, ${MODES[op.access].words}`,
      };
    case 'share-user.put': {
      const message = op.isNew
        ? `user ${op.name} for shares was made`
        : `user ${op.name} for shares was changed${op.password === null ? '' : ', with a new password'}`;
      return { kind: 'share.changed', subject: `share-user:${op.name}`, message };
    }
    case 'share-group.put':
      return { kind: 'share.changed', subject: `share-group:${op.name}`, message: `group ${op.name} for shares was made` };
    case 'share-user.rename':
      return { kind: 'share.changed', subject: `share-user:${op.to}`, message: `user ${op.name} for shares is now named ${op.to}` };
    case 'share-group.rename':
      return { kind: 'share.changed', subject: `share-group:${op.to}`, message: `group ${op.name} for shares is now named ${op.to}` };
    case 'share-user.remove':
      return { kind: 'share.changed', subject: `share-user:${op.name}`, message: `user ${op.name} for shares was removed` };
    case 'share-group.remove':
      return { kind: 'share.changed', subject: `share-group:${op.name}`, message: `group ${op.name} for shares was removed` };
    case 'share-user.owned':
    case 'secret.seal':
      return { kind: 'share.changed', subject: 'share:accounts', message: 'accounts were looked at' };
    case 'session.end':
      return {
        kind: 'session.ended',
        subject: `session:${op.id}`,
        message: `the connection of ${op.user === null ? op.address : `${op.user} at ${op.address}`} was ended`,
      };
    case 'share.gate':
      return { kind: 'share.changed', subject: 'shares', message: 'what is served was made to be what is mounted' };
    case 'share.clients':
      return { kind: 'share.changed', subject: 'share:clients', message: 'clients were listed' };
  }
};

/** Drift-baseline keys (`dataset tank/a`) that an operation touches. */
export const touchedBy = (op: Operation): string[] => {
  switch (op.kind) {
    case 'pool.create':
    case 'pool.set':
    case 'pool.scrub':
    case 'pool.replace':
    case 'pool.attach':
    case 'pool.detach':
    case 'pool.online':
    case 'pool.offline':
    case 'pool.clear':
    case 'pool.add':
    case 'pool.remove':
    case 'pool.trim':
    case 'pool.export':
    case 'pool.checkpoint':
    case 'pool.upgrade':
    case 'pool.forget':
      return [`pool ${op.name}`];
    case 'dataset.create':
    case 'dataset.set':
    case 'dataset.changeKey':
    case 'dataset.destroy':
    case 'dataset.promote':
    case 'dataset.permit':
      return [`dataset ${op.name}`, `pool ${op.name}`];
    case 'dataset.rename':
      return [`dataset ${op.name}`, `dataset ${op.to}`];
    case 'snapshot.clone':
      return [`dataset ${op.to}`];
    case 'share.put':
      return [`share ${shareKey(op.share)}`];
    case 'share.remove':
      return [`share ${op.share === 'smb' ? `smb:${op.name.toLowerCase()}` : `nfs:${op.name}`}`];
    case 'share-user.put':
    case 'share-user.remove':
      return [`share-user ${op.name}`];
    case 'share-user.rename':
      return [`share-user ${op.name}`, `share-user ${op.to}`];
    case 'share-group.put':
    case 'share-group.remove':
      return [`share-group ${op.name}`];
    case 'share-group.rename':
      return [`share-group ${op.name}`, `share-group ${op.to}`];
    default:
      return [];
  }
};

/** The dataset whose snapshots, or those below it, an operation may have changed. */
export const snapshotsTouchedBy = (op: Operation): string | null => {
  switch (op.kind) {
    case 'snapshot.create':
    case 'snapshot.destroy':
    case 'snapshot.hold':
    case 'snapshot.release':
    case 'snapshot.prune':
    case 'snapshot.destroyMany':
    case 'snapshot.rollback':
      return op.dataset;
    case 'dataset.destroy':
    case 'dataset.rename':
    case 'dataset.promote':
      return op.name;
    default:
      return null;
  }
};
