/** All commands of `dplane-ota`: help, options and what is loaded for each. */
import type { Command } from './command.ts';

const key = { type: 'string' } as const;
const yes = { type: 'boolean' } as const;
const many = { type: 'string', multiple: true } as const;

const SIGNER = [
  '  --key FILE               private key made by keygen; its passphrase is asked for, or read from',
  '  --passphrase-file FILE   (its first line)',
  '  --sign-command PROGRAM --public-key FILE [-- ARG...]',
  '                           signs instead, e.g. with an HSM: {message} and {signature} among its ARGs are files to read and to',
  '                           write. Without {signature} it says the 64 bytes on stdout, in base64 or hex',
] as const;

export const COMMANDS: Readonly<Record<string, Command>> = {
  status: {
    usage: '',
    what: 'Both slots, what starts next, trusted keys, the last events.',
    options: {},
    words: [0, 0],
    load: async () => (await import('./machine.ts')).status,
  },
  apply: {
    usage: 'BUNDLE | URL | --request FILE',
    what: 'Install a bundle into the slot that does not run. Takes effect with the next restart.',
    options: { request: key },
    words: [0, 1],
    load: async () => (await import('./machine.ts')).applyBundle,
  },
  rollback: {
    usage: '',
    what: 'Start the other slot next, under the same verdict.',
    options: {},
    words: [0, 0],
    load: async () => (await import('./machine.ts')).rollback,
  },
  'mark-good': {
    usage: '',
    what: 'Confirm the running system now, without waiting for the verdict.',
    options: {},
    words: [0, 0],
    load: async () => (await import('./machine.ts')).confirm,
  },
  'enroll-key': {
    usage: 'FILE.pem',
    what: 'Trust one more key for updates.',
    options: {},
    words: [1, 1],
    load: async () => (await import('./machine.ts')).enroll,
  },
  'revoke-key': {
    usage: 'KEY-ID',
    what: 'Never again accept what this key signed.',
    help: ['  --force   even if no trusted key is left'],
    options: { force: yes },
    words: [1, 1],
    load: async () => (await import('./machine.ts')).revoke,
  },
  inspect: {
    usage: 'BUNDLE | URL',
    what: 'What a bundle is, and whether it could be installed here. Reads its head only.',
    help: ['  --public-key FILE   trust this key instead of those of the machine (repeat)'],
    options: { 'public-key': many },
    words: [1, 1],
    load: async () => (await import('./bundle.ts')).inspect,
  },
  verify: {
    usage: 'BUNDLE | URL',
    what: 'Check the signature and every byte of a bundle.',
    help: ['  --public-key FILE   trust this key instead of those of the machine (repeat)'],
    options: { 'public-key': many },
    words: [1, 1],
    load: async () => (await import('./bundle.ts')).verify,
  },
  'verify-release': {
    usage: 'BUNDLE --slot FILE --kernel FILE --initrd FILE',
    what: 'Compare a published bundle with what was built here from source.',
    help: ['  --public-key FILE   trust this key instead of those of the machine (repeat)'],
    options: { 'public-key': many, slot: key, kernel: key, initrd: key },
    words: [1, 1],
    load: async () => (await import('./bundle.ts')).verifyRelease,
  },
  build: {
    usage: 'OUTPUT --slot FILE --kernel FILE --initrd FILE --system FILE --not-after DATE',
    what: 'Make a bundle; signed when a key is given.',
    help: [
      '  --system FILE            system.json of the image (with poolFeatures)',
      '  --created DATE           when it was made: 2026-11-21 or seconds since 1970 (default: SOURCE_DATE_EPOCH)',
      '  --not-after DATE         not accepted later',
      '  --min-index N            oldest release it may replace (default 1)',
      '  --option WORD            of the kernel command line (repeat); --options-file FILE: separated by spaces or lines',
      '  --pool-features FILE     names, one a line, when system.json holds none',
      '  --chunk-size BYTES, --level N   (1048576, 12)',
      ...SIGNER,
    ],
    options: {
      ...{ slot: key, kernel: key, initrd: key, system: key, created: key, 'not-after': key, 'min-index': key, option: many },
      ...{ 'options-file': key, 'pool-features': key, 'chunk-size': key, level: key },
      ...{ key, 'passphrase-file': key, 'sign-command': key, 'public-key': key },
    },
    words: [1, 1],
    load: async () => (await import('./bundle.ts')).build,
  },
  sign: {
    usage: 'BUNDLE',
    what: 'Sign a bundle in place.',
    help: SIGNER,
    options: { key, 'passphrase-file': key, 'sign-command': key, 'public-key': key },
    words: [1, 1],
    load: async () => (await import('./bundle.ts')).sign,
  },
  'sign-file': {
    usage: 'FILE',
    what: 'Sign a file that is no bundle, such as an image to flash: FILE.sig.',
    help: ['  --output FOLDER          where the signature goes (default: beside the file)', ...SIGNER],
    options: { output: key, key, 'passphrase-file': key, 'sign-command': key, 'public-key': key },
    words: [1, 1],
    load: async () => (await import('./file.ts')).signFile,
  },
  'verify-file': {
    usage: 'FILE',
    what: 'Check the signature of such a file.',
    help: ['  --public-key FILE   trust this key instead of those of the machine (repeat)', '  --signature FILE    (default: FILE.sig)'],
    options: { 'public-key': many, signature: key },
    words: [1, 1],
    load: async () => (await import('./file.ts')).verifyFile,
  },
  keygen: {
    usage: 'FILE',
    what: 'Make a signing key: FILE (private, under a passphrase) and FILE.pem (public).',
    help: ['  --comment TEXT           what it is for; shown wherever the key is', '  --passphrase-file FILE   its first line'],
    options: { comment: key, 'passphrase-file': key },
    words: [1, 1],
    load: async () => (await import('./keys.ts')).keygen,
  },
  'nixos-hook': {
    usage: 'TOPLEVEL',
    what: 'Boot entry for a NixOS system (boot.loader.external.installHook).',
    options: {},
    words: [1, 1],
    load: async () => (await import('./machine.ts')).nixosHook,
  },
};
