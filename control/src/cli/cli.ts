/**
 * What every command is given. Contract: the box that is meant is decided once, in this order: --url, DPLANE_URL, --host,
 * DPLANE_HOST, for root the local socket, the profile in use, this machine. Nothing is opened before it is needed.
 */
import { existsSync } from 'node:fs';
import type { Client, Credentials } from './api.ts';
import { type Config, loadConfig, type Profile, saveConfig } from './config.ts';
import type { Input } from './parse.ts';
import { EXIT, type Exit, Problem, usage } from './problems.ts';
import type { Terminal } from './terminal.ts';
import { type Address, isLoopback, openTransport, parseAddress, type Transport } from './transport.ts';

export type Handler = (cli: Cli, input: Input) => Promise<Exit>;

export const LOCAL_SOCKET = '/run/dplaned/local.sock';
const HERE = 'https://127.0.0.1:8443';

const groups = (fingerprint: string): string =>
  fingerprint
    .toLowerCase()
    .replace(/:/g, '')
    .replace(/(.{8})(?!$)/g, '$1 ');
const normal = (fingerprint: string): string =>
  fingerprint
    .toLowerCase()
    .replace(/^sha-?256[:= ]/, '')
    .replace(/[^0-9a-f]/g, '');

export class Cli {
  readonly term: Terminal;
  readonly env: NodeJS.ProcessEnv;
  readonly now: () => number;
  readonly input: Input;
  #config: Config | undefined;
  #transport: Transport | undefined;
  #client: Client | undefined;
  /** Is this command itself the way to log in? */
  loggingIn = false;
  #profileName: string | null | undefined;

  constructor(term: Terminal, env: NodeJS.ProcessEnv, now: () => number, input: Input) {
    this.term = term;
    this.env = env;
    this.now = now;
    this.input = input;
  }

  get config(): Config {
    this.#config ??= loadConfig(this.env);
    return this.#config;
  }
  save(): void {
    saveConfig(this.env, this.config);
  }

  get socket(): string {
    return this.input.text('socket') ?? this.env.DPLANE_SOCKET ?? LOCAL_SOCKET;
  }

  /** The name under which the box is remembered; null when it is not (yet). */
  get profileName(): string | null {
    if (this.#profileName === undefined) {
      const url = this.input.text('url') ?? this.env.DPLANE_URL;
      const named = this.input.text('host') ?? (url === undefined ? this.env.DPLANE_HOST : undefined);
      if (named !== undefined) this.#profileName = named;
      else if (url !== undefined) {
        const { config } = this;
        const origin = this.#originOf(parseAddress(url));
        const same = Object.keys(config.hosts).filter((name) => this.#originOf(parseAddress(config.hosts[name]?.url ?? '')) === origin);
        this.#profileName = same.find((n) => n === config.current) ?? same[0] ?? null;
      } else this.#profileName = this.#local() ? null : this.config.current;
    }
    return this.#profileName;
  }
  #originOf(a: Address): string {
    return a.kind === 'unix' ? `unix:${a.path}` : a.origin;
  }
  #local(): boolean {
    const asked = this.input.text('socket') !== undefined || this.env.DPLANE_SOCKET !== undefined;
    return asked || (process.getuid?.() === 0 && existsSync(this.socket));
  }

  get profile(): Profile | undefined {
    return this.profileName === null ? undefined : this.config.hosts[this.profileName];
  }

  get address(): Address {
    const url = this.input.text('url') ?? this.env.DPLANE_URL;
    if (url !== undefined) return parseAddress(url);
    const named = this.input.text('host') ?? this.env.DPLANE_HOST;
    if (named !== undefined && !this.profile) {
      const known = Object.keys(this.config.hosts);
      throw usage(
        `--host ${named}`,
        `no box is known by this name${known.length > 0 ? `; known are ${known.join(', ')}` : ''}`,
        `Log in to it once: dplane login --host ${named} --url https://…`,
      );
    }
    if (named === undefined && this.#local()) return { kind: 'unix', path: this.socket };
    return parseAddress(this.profile?.url ?? HERE);
  }

  get credentials(): Credentials {
    const token = this.env.DPLANE_TOKEN || null;
    const { profile } = this;
    return { token, cookie: profile?.cookie ?? null };
  }

  /** Remembers the box under `--host NAME`, its old name, or its host name, and makes it the one in use. */
  remember(change: Partial<Profile>): void {
    const { address } = this;
    if (address.kind === 'unix') return;
    const taken = this.config.hosts[address.host];
    const name =
      this.profileName ?? (taken === undefined || taken.url === address.origin ? address.host : `${address.host}:${address.port}`);
    const before = this.config.hosts[name];
    this.config.hosts[name] = { user: null, cookie: null, ...before, url: address.origin, ...change };
    this.config.current = name;
    this.#profileName = name;
    this.save();
  }

  get transport(): Transport {
    this.#transport ??= openTransport(this.address, this.#expected(this.address) !== undefined, (fingerprint, vouchedFor, address) =>
      this.#trust(fingerprint, vouchedFor, address),
    );
    return this.#transport;
  }

  async api(): Promise<Client> {
    if (!this.#client) {
      const { openClient } = await import('./api.ts');
      this.#client = openClient(
        this.transport,
        () => this.credentials,
        (cookie) => {
          if (this.env.DPLANE_TOKEN) return;
          this.remember({ cookie });
        },
      );
    }
    return this.#client;
  }

  close(): void {
    this.#transport?.close();
  }

  /** The fingerprint that is asked for, or remembered. */
  #expected(address: Address): string | undefined {
    return (
      this.input.text('fingerprint') ??
      this.env.DPLANE_FINGERPRINT ??
      (address.kind === 'unix' ? undefined : this.config.pins[address.origin])
    );
  }

  /** Trust on first use, shown to the person; afterwards only that certificate. */
  async #trust(fingerprint: string, vouchedFor: boolean, address: Address): Promise<void> {
    if (address.kind === 'unix') return;
    const { origin } = address;
    const expected = this.input.text('fingerprint') ?? this.env.DPLANE_FINGERPRINT;
    const pinned = this.config.pins[origin];
    const refuse = (what: string, why: string, todo: string): Problem => new Problem(EXIT.unreachable, 'untrusted', what, why, todo);
    if (expected !== undefined) {
      if (normal(expected) !== normal(fingerprint))
        throw refuse(
          `${origin} is not trusted`,
          `its certificate is not the one given with --fingerprint; it is ${groups(fingerprint)}`,
          'Nothing was sent. Compare with the fingerprint on the console of the box.',
        );
    } else if (pinned !== undefined) {
      if (normal(pinned) === normal(fingerprint)) return;
      throw refuse(
        `THE CERTIFICATE OF ${origin} HAS CHANGED`,
        `someone may be between you and the box. Known: ${groups(pinned)}. Now: ${groups(fingerprint)}. Nothing was sent.`,
        `If the box was reinstalled or its certificate replaced, compare the new fingerprint with its console; then\ndplane host forget ${origin}`,
      );
    } else if (vouchedFor) return;
    else if (this.term.interactive) {
      this.term.note(`First contact with ${origin}. Its certificate has the SHA-256 fingerprint`);
      this.term.note(`  ${groups(fingerprint)}`);
      this.term.note('The box shows the same one on its console.');
      const { confirm } = await import('./ask.ts');
      if (!(await confirm(this.term, 'Is it the same? Trust it from now on?', '')))
        throw refuse(`${origin} is not trusted`, 'you said no; nothing was sent', '');
    } else if (isLoopback(address))
      this.term.note(`First contact with ${origin}; its certificate is trusted from now on: ${groups(fingerprint)}`);
    else
      throw refuse(
        `${origin} is not known yet`,
        `there is no terminal to ask on whether its certificate is right: ${groups(fingerprint)}`,
        'Compare it with the console of the box, then give it with --fingerprint (or DPLANE_FINGERPRINT).',
      );
    this.config.pins[origin] = normal(fingerprint);
    this.save();
  }
}
