//! What the formats share: times, numbers, flags, numbers of a GUID.
