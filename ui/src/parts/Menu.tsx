import { DropdownMenu } from '@kobalte/core/dropdown-menu';
import { For, type JSX, Show } from 'solid-js';
import { Icon } from './Icon.tsx';

export type MenuItem = { label: string; onSelect: () => void; why?: string | undefined; danger?: boolean };

/** Further actions on one thing. What is not allowed stays in the list and says why. */
export const Menu = (props: { label: string; items: readonly MenuItem[]; children?: JSX.Element; look?: string }): JSX.Element => (
  <DropdownMenu gutter={4} placement="bottom-end">
    <DropdownMenu.Trigger class={`button ${props.look ?? 'plain'}`}>
      {props.children ?? <span>{props.label}</span>}
      <Icon name="down" />
    </DropdownMenu.Trigger>
    <DropdownMenu.Portal>
      <DropdownMenu.Content class="menu">
        <For each={props.items}>
          {(item) => (
            <DropdownMenu.Item
              class="menu-item"
              classList={{ danger: item.danger === true }}
              disabled={item.why !== undefined}
              onSelect={item.onSelect}
            >
              <span>{item.label}</span>
              <Show when={item.why}>
                <small>{item.why}</small>
              </Show>
            </DropdownMenu.Item>
          )}
        </For>
      </DropdownMenu.Content>
    </DropdownMenu.Portal>
  </DropdownMenu>
);
