/** A page that broke: says so, leaves the rest usable. A part that cannot be loaded is most often an older page after an update. */
import { type JSX, onMount } from 'solid-js';
import { Button } from '../parts/basic.tsx';

export const Crash = (props: { error: unknown; reset: () => void }): JSX.Element => {
  const text = (): string => (props.error instanceof Error ? props.error.message : String(props.error));
  const gone = (): boolean => /dynamically imported module|Importing a module script/i.test(text());
  onMount(() => console.error(props.error));
  return (
    <div class="page">
      <div class="box bad" role="alert">
        <p class="what">{gone() ? 'This part of the interface could not be loaded' : 'This page broke'}</p>
        <p>{gone() ? 'The box may have been updated since the page was opened.' : text()}</p>
        <p class="todo">Nothing on the box was changed by this.</p>
        <p class="row">
          <Button look="main" onClick={() => location.reload()}>
            Reload
          </Button>
          <Button onClick={() => props.reset()}>Try again</Button>
        </p>
      </div>
    </div>
  );
};
