//! `tinsmith export`: files for firmware.
