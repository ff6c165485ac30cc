/** This command. A part of the table in ../commands.ts. */
import type { Handler } from '../cli.ts';
import type { Command } from '../parse.ts';
import { command } from './shared.ts';

export const selfCommands: readonly Command<Handler>[] = [
  command(
    'completion',
    'completion for your shell',
    [
      'completion bash > /etc/bash_completion.d/dplane',
      'completion zsh > ~/.zfunc/_dplane',
      'completion fish > ~/.config/fish/completions/dplane.fish',
    ],
    async () => (await import('../cmd/completion.ts')).completion,
    {
      args: [{ name: 'SHELL', help: 'bash, zsh or fish', offer: ['bash', 'zsh', 'fish'] }],
    },
  ),
  command('version', 'versions of this command and of the box', ['version'], async () => (await import('../cmd/help.ts')).version),
  command('help', 'this, or help about a command', ['help', 'help dataset create'], async () => (await import('../cmd/help.ts')).help, {
    args: [{ name: 'COMMAND', optional: true, many: true, help: 'what to explain', offer: 'command' }],
  }),
];
