/** A dialog over the page: focus stays inside, Escape closes, the page behind keeps what it holds. */
import { Dialog as Base } from '@kobalte/core/dialog';
import { type JSX, Show } from 'solid-js';
import { Icon } from './Icon.tsx';

export const Dialog = (props: {
  open: boolean;
  onClose: () => void;
  title: string;
  about?: string;
  wide?: boolean;
  /** It is answered, not dismissed. */
  stays?: boolean;
  children: JSX.Element;
}): JSX.Element => (
  <Base open={props.open} onOpenChange={(open) => !open && props.onClose()} modal>
    <Base.Portal>
      <Base.Overlay class="veil" />
      <div class="dialog-place">
        <Base.Content
          class={`dialog ${props.wide ? 'wide' : ''}`}
          onPointerDownOutside={(e) => e.preventDefault()}
          onOpenAutoFocus={(e) => {
            const first = e.currentTarget instanceof Element ? e.currentTarget.querySelector<HTMLElement>('[autofocus]') : null;
            if (!first) return;
            e.preventDefault();
            first.focus();
          }}
          onEscapeKeyDown={(e) => props.stays && e.preventDefault()}
        >
          <header>
            <Base.Title class="title">{props.title}</Base.Title>
            <Show when={!props.stays}>
              <Base.CloseButton class="button quiet icon-only" aria-label="Close">
                <Icon name="close" />
              </Base.CloseButton>
            </Show>
          </header>
          <Show when={props.about}>
            <Base.Description class="about">{props.about}</Base.Description>
          </Show>
          <div class="dialog-body">{props.children}</div>
        </Base.Content>
      </div>
    </Base.Portal>
  </Base>
);
