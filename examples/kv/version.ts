/** The version of Redis whose behaviour, replies and errors the store has. */
export const REDIS_VERSION = "7.0.15";
