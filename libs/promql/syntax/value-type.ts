/** The type of an expression's value, as Prometheus names them. */
export type ValueType = 'none' | 'scalar' | 'vector' | 'matrix' | 'string';
