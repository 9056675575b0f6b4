export declare const entryPoints: readonly string[];
export declare const forms: readonly string[];
