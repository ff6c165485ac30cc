/** Accounts of the demo: as the executor would have written them. Nobody knows their passwords. */
import { ACCOUNTS_FILE, type Accounts, dropIns, renderAccounts, USERDB } from '../accounts/record.ts';
import { renderPassdb } from '../samba/passdb.ts';

const KEY = 'd0'.repeat(32);
const KEY_ID = '872caeed';
const sealed = (letter: string): string => `sealed1.${KEY_ID}.${letter.repeat(59)}`;

const ACCOUNTS: Accounts = {
  v: 1,
  key: KEY_ID,
  users: [
    { name: 'anna', id: 20_003, fullName: 'Anna', disabled: false, groups: ['family', 'office'], password: sealed('A') },
    { name: 'ben', id: 20_004, fullName: 'Ben', disabled: false, groups: ['family', 'office'], password: sealed('B') },
    { name: 'clara', id: 20_005, fullName: 'Clara', disabled: false, groups: ['family'], password: sealed('C') },
    { name: 'scanner', id: 20_006, fullName: 'Printer in the hall', disabled: true, groups: [], password: sealed('D') },
  ],
  groups: [
    { name: 'family', id: 20_001 },
    { name: 'office', id: 20_002 },
  ],
  retired: [],
};

export const demoAccounts = (at: number): Record<string, string> => ({
  [ACCOUNTS_FILE]: renderAccounts(ACCOUNTS),
  '/var/lib/dplane-exec/accounts.key': `${KEY}\n`,
  '/var/lib/samba/private/passdb.tdb': renderPassdb(
    ACCOUNTS.users.map((u, i) => ({ name: u.name, uid: u.id, hash: String(i).repeat(32), disabled: u.disabled })),
    at,
  ),
  ...Object.fromEntries([...dropIns(ACCOUNTS)].map(([file, text]) => [`${USERDB}/${file}`, text])),
});
