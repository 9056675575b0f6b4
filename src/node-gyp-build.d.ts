// node-gyp-build ships no types; this is the one function used of it.
declare module 'node-gyp-build' {
  const locate: {
    /** The binary that fits this process, below `root`; throws where there is none. */
    path(root: string): string;
  };
  export default locate;
}
