/** One function per operation kind, chosen here and nowhere else. */
import type { Operation } from '../../domain/operation/operation.ts';
import { refuse } from '../../domain/refusal.ts';
import type { ChangeContext, Changed } from './host.ts';
import { createDataset, renameDataset, setDataset } from './dataset.ts';
import { destroyDataset } from './destroy.ts';
import { activateGeneration, deleteGenerations } from './generation.ts';
import { createPool, scrubPool, setPool } from './pool.ts';
import { checkpointPool, exportPool, forgetPool, importPool, lookAtGate, scanPools, upgradePool, zfsEvents } from './portable.ts';
import { beatPool, failPool, reservePool } from './guard.ts';
import { eraseDisk } from './erase.ts';
import { readSmart, testDisk } from './smart.ts';
import { setArc } from './arc.ts';
import { changeAccounts } from './accounts.ts';
import { changeKeys } from './keys.ts';
import { expireClone, keepClone } from './clone.ts';
import { permit } from './permit.ts';
import { endSession, shareClients } from './sessions.ts';
import { putShare, removeShare } from './share.ts';
import { changeSystem } from './update.ts';
import { pruneSnapshots } from './prune.ts';
import { settleShares } from './gate.ts';
import { whileNobodyUses } from './leaving.ts';
import { browse, restore, settleRestore, search, versions } from './files.ts';
import { settleDataset } from './mounting.ts';
import { diffSnapshot } from './diff.ts';
import { cloneSnapshot, destroySnapshots, promoteDataset, rollBack } from './rollback.ts';
import { addVdevs, attachDisk, clearPool, detachDisk, removeVdev, reopenPool, replaceDisk, switchDisk, trimPool } from './vdevs.ts';
import { createSnapshot, destroySnapshot, holdSnapshot } from './snapshot.ts';

export const execute = (context: ChangeContext, op: Operation): Promise<Changed> =>
  whileNobodyUses(context, op, () => perform(context, op));

const perform = (context: ChangeContext, op: Operation): Promise<Changed> => {
  switch (op.kind) {
    case 'pool.create':
      return createPool(context, op);
    case 'pool.set':
      return setPool(context, op);
    case 'pool.scrub':
      return scrubPool(context, op);
    case 'pool.replace':
      return replaceDisk(context, op);
    case 'pool.attach':
      return attachDisk(context, op);
    case 'pool.detach':
      return detachDisk(context, op);
    case 'pool.online':
    case 'pool.offline':
      return switchDisk(context, op);
    case 'pool.reopen':
      return reopenPool(context, op);
    case 'pool.clear':
      return clearPool(context, op);
    case 'pool.add':
      return addVdevs(context, op);
    case 'pool.remove':
      return removeVdev(context, op);
    case 'pool.trim':
      return trimPool(context, op);
    case 'pool.scan':
      return scanPools(context);
    case 'pool.events':
      return zfsEvents(context, op);
    case 'pool.gate':
      return lookAtGate(context);
    case 'pool.import':
      return importPool(context, op);
    case 'pool.export':
      return exportPool(context, op);
    case 'pool.checkpoint':
      return checkpointPool(context, op);
    case 'pool.upgrade':
      return upgradePool(context, op);
    case 'pool.forget':
      return forgetPool(context, op);
    case 'disk.smart':
      return readSmart(context, op);
    case 'disk.test':
      return testDisk(context, op);
    case 'pool.beat':
      return beatPool(context, op);
    case 'pool.fail':
      return failPool(context, op);
    case 'pool.reserve':
      return reservePool(context, op);
    case 'disk.erase':
      return eraseDisk(context, op);
    case 'dataset.create':
      return createDataset(context, op);
    case 'dataset.set':
      return setDataset(context, op);
    case 'dataset.rename':
      return renameDataset(context, op);
    case 'dataset.unlock':
    case 'dataset.lock':
    case 'dataset.changeKey':
    case 'key.seal':
    case 'key.read':
    case 'key.list':
      return changeKeys(context, op);
    case 'dataset.destroy':
      return destroyDataset(context, op);
    case 'snapshot.create':
      return createSnapshot(context, op);
    case 'snapshot.destroy':
      return destroySnapshot(context, op);
    case 'snapshot.destroyMany':
      return destroySnapshots(context, op);
    case 'snapshot.rollback':
      return rollBack(context, op);
    case 'snapshot.clone':
      return cloneSnapshot(context, op);
    case 'snapshot.browse':
      return browse(context, op);
    case 'snapshot.search':
      return search(context, op);
    case 'snapshot.versions':
      return versions(context, op);
    case 'snapshot.restore':
      return restore(context, op);
    case 'dataset.settle':
      return settleDataset(context, op);
    case 'snapshot.settle':
      return settleRestore(context, op);
    case 'snapshot.read':
      return Promise.resolve(refuse('invalid', op.kind, 'bytes are streamed, not answered', 'ask for a stream'));
    case 'snapshot.diff':
      return diffSnapshot(context, op);
    case 'dataset.promote':
      return promoteDataset(context, op);
    case 'snapshot.hold':
    case 'snapshot.release':
      return holdSnapshot(context, op);
    case 'snapshot.prune':
      return pruneSnapshots(context, op);
    case 'share.put':
      return putShare(context, op);
    case 'share.remove':
      return removeShare(context, op);
    case 'update.apply':
    case 'update.cancel':
    case 'update.rollback':
    case 'update.confirm':
    case 'system.restart':
      return changeSystem(context, op);
    case 'generation.activate':
      return activateGeneration(context, op);
    case 'generation.delete':
      return deleteGenerations(context, op);
    case 'arc.set':
      return setArc(context, op);
    case 'memory.arc':
    case 'pool.keep':
    case 'clone.watch':
    case 'clone.extend':
    case 'schedule.put':
    case 'schedule.remove':
      return Promise.resolve(refuse('invalid', op.kind, 'this is kept by the control plane, not by the executor', 'ask dplaned'));
    case 'clone.keep':
      return keepClone(context, op);
    case 'clone.expire':
      return expireClone(context, op);
    case 'dataset.permit':
      return permit(context, op);
    case 'share-user.put':
    case 'share-user.rename':
    case 'share-user.remove':
    case 'share-group.put':
    case 'share-group.rename':
    case 'share-group.remove':
    case 'share-user.owned':
    case 'secret.seal':
      return changeAccounts(context, op);
    case 'share.gate':
      return settleShares(context);
    case 'session.end':
      return endSession(context, op);
    case 'share.clients':
      return shareClients(context);
  }
};
