/** share show */
import { ENCRYPT_WORDS, PRESET_WORDS, previousVersionAt, SIGN_WORDS, waysTo } from '../../domain/share/words.ts';
import { shareKey } from '../../domain/share/share.ts';
import type { Handler } from '../cli.ts';
import { ago, clock, count } from '../format.ts';
import { notAmong } from '../parse.ts';
import { EXIT, Problem } from '../problems.ts';
import { bad, dim, good, strong } from '../terminal.ts';

const SHOWN = 10;

export const shareShow: Handler = async (cli, input) => {
  const { term } = cli;
  const kind = input.word('KIND');
  if (kind !== 'smb' && kind !== 'nfs') throw notAmong(kind, kind, ['smb', 'nfs']);
  const name = input.word('NAME');
  const api = await cli.api();
  const { at, shares } = await api.shares.list.query();
  const share = shares.find((s) => shareKey(s.spec) === shareKey({ kind, name }));
  if (!share)
    throw new Problem(
      EXIT.failed,
      'not-found',
      `There is no ${kind} share ${name}`,
      'it was not there at the last look',
      '`dplane share list` shows what there is.',
    );
  const { spec } = share;
  const { host } = await api.system.info.query();
  const ways = waysTo(spec, host, share.path ?? null);
  const offered = spec.kind === 'smb' && spec.previousVersions;
  const snapshots = offered
    ? await api.snapshots.list.query({ dataset: spec.dataset, text: 'GMT-', sort: 'createdAt', descending: true, limit: 1000 })
    : { rows: [], total: 0 };
  const versions = snapshots.rows.flatMap((s) => previousVersionAt(s.tag) ?? []);
  term.data({ at, share, ways, previousVersions: versions });
  term.line([strong(spec.name), dim(`  ${kind} share of ${spec.dataset}${spec.folder}`)]);
  term.line([share.serving ? good('served') : bad(`not served: ${share.note ?? 'no reason is known'}`)]);
  if (spec.kind === 'smb') {
    term.line([dim('made for    '), PRESET_WORDS[spec.preset]]);
    term.line([dim('encryption  '), ENCRYPT_WORDS[spec.encrypt]]);
    term.line([dim('signing     '), SIGN_WORDS[spec.sign]]);
  }
  term.line(['']);
  for (const w of ways) term.line([strong(w.client.padEnd(8)), ` ${w.text}`, dim(`   ${w.how}`)]);
  if (offered) {
    term.line(['']);
    term.line([
      versions.length === 0
        ? dim('No Previous Versions yet: a schedule makes them.')
        : `${count(versions.length, 'Previous Version')}, as clients see them:`,
    ]);
    for (const v of versions.slice(0, SHOWN)) term.line([`  ${clock(v, at)}`, dim(`  ${ago(v, at)}`)]);
    if (versions.length > SHOWN) term.line([dim(`  and ${versions.length - SHOWN} older`)]);
  }
  return EXIT.ok;
};
