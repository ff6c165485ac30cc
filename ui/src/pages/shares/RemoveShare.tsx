import type { JSX } from 'solid-js';
import type { ShareSpec } from '../../../../control/src/domain/share/share.ts';
import { ChangeDialog } from '../../plan/ChangeDialog.tsx';

export const RemoveShare = (props: { share: Pick<ShareSpec, 'kind' | 'name'>; onClose: () => void }): JSX.Element => (
  <ChangeDialog
    title={`Remove share ${props.share.name}`}
    about="The dataset and all that is in it stay. Who is connected loses the connection."
    onClose={props.onClose}
    changes={() => [{ kind: 'share.remove', share: props.share.kind, name: props.share.name }]}
  />
);
