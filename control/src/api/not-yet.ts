/**
 * Routes of the seed documents whose capability is not in this version. Each answers 501 and says so; a line leaves this list when
 * its procedure arrives.
 */
import type { RestRoute } from './trpc.ts';

export type NotYet = { methods: readonly RestRoute['method'][]; path: `/api/${string}`; what: string };

export const NOT_YET: readonly NotYet[] = [
  { methods: ['GET', 'POST'], path: '/api/system/support-bundle', what: 'the support bundle' },
  { methods: ['POST'], path: '/api/nixos/pre-upgrade-snapshots', what: 'taking them by hand (an update takes them by itself)' },
  { methods: ['GET', 'POST'], path: '/api/alerts/webhooks', what: 'webhooks for alerts' },
  { methods: ['GET', 'PUT', 'DELETE'], path: '/api/alerts/webhooks/{id}', what: 'webhooks for alerts' },
  { methods: ['POST'], path: '/api/alerts/webhooks/{id}/test', what: 'webhooks for alerts' },
  { methods: ['GET', 'POST'], path: '/api/replication/remote', what: 'replication' },
  { methods: ['POST'], path: '/api/replication/test', what: 'replication' },
  { methods: ['GET', 'POST'], path: '/api/ha/peers', what: 'high availability' },
  { methods: ['GET', 'DELETE'], path: '/api/ha/peers/{id}', what: 'high availability' },
  { methods: ['PUT', 'POST'], path: '/api/ha/peers/{id}/role', what: 'high availability' },
  { methods: ['GET'], path: '/api/ha/status', what: 'high availability' },
  { methods: ['GET', 'POST'], path: '/api/ha/heartbeat', what: 'high availability' },
];
