// Where the chat begins.
import './tokens.css';
import './style.css';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';

import { words } from './words.ts';

document.title = words.title;
createRoot(document.getElementById('app')!).render(<App />);
