import { dirname, join, resolve } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import adapter from '@sveltejs/adapter-node';
import { sveltekit } from '@sveltejs/kit/vite';
import { defineConfig } from 'vite';

const root = import.meta.dirname;
// adapter-node reads ./package.json of the working directory, and the site has none of its own: started from web/ or from the
// root, the build is the same.
const out = resolve(process.env.SAPAR_WEB_OUT ?? join(root, 'build'));
if (isMainThread) process.chdir(dirname(root));

export default defineConfig({
  root,
  // Phones outlive their browsers' updates; the stylesheet costs nothing to keep readable for them.
  build: { cssTarget: ['chrome87', 'firefox78', 'safari14'] },
  plugins: [
    sveltekit({
      adapter: adapter({ out }),
      // One stylesheet, small enough to travel inside the first HTML (budget: 14 KB gzip).
      inlineStyleThreshold: 32 * 1024,
      csp: {
        mode: 'nonce',
        directives: {
          'default-src': ['self'],
          // The one style attribute of the framework: its announcer of page changes is moved out of sight by it.
          'style-src-attr': ['unsafe-hashes', 'sha256-S8qMpvofolR8Mpjy4kQvEm7m1q8clzU4dfDH0AmvZjo='],
          'img-src': ['self', 'data:'],
          'object-src': ['none'],
          'base-uri': ['none'],
          'form-action': ['self'],
          'frame-ancestors': ['none'],
        },
      },
      version: { pollInterval: 0 },
    }),
  ],
});
