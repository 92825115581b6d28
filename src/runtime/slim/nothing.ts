// Stands in for modules that the SDK loads only in situations that can't arise in our functions.
export {};
