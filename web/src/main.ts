import { mount } from 'svelte';
import './app.css';
import Page from './Page.svelte';

const target = document.getElementById('app')!;
target.replaceChildren();
mount(Page, { target });
