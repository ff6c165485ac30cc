import { render } from 'solid-js/web';
import './style/tokens.css';
import './style/base.css';
import './style/frame.css';
import './style/parts.css';
import { App } from './app.tsx';

const root = document.getElementById('app');
if (root) render(() => <App />, root);
