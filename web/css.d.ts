// Style sheets are bundled; to TypeScript they are nothing.
declare module '*.css';
