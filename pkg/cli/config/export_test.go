package config

// Names for the tests outside of the package.
var Parse = parseConfig
