//! What is done to the bytes of data files that nobody vouches for, by the tests and by the fuzzer alike.

use tinsmith_core::data::import::labels::LabelTable;
use tinsmith_core::data::import::raw::Element;
use tinsmith_core::data::import::text::Noise;
use tinsmith_core::data::import::{Decoded, Raw, decode};
use tinsmith_core::data::library::Library;

/// Reads bytes as a data file of any format.
///
/// # Panics
/// Something breaks a promise: an error of several lines, or a recording without a value for each axis of each instant.
pub fn exercise(bytes: &[u8]) {
    let raw = Raw { shape: vec![3, 2], element: Element::F32 };
    for (noise, raw) in [(Noise::Auto, None), (Noise::Skip, None), (Noise::Auto, Some(&raw))] {
        match decode(bytes, noise, raw) {
            Err(error) => assert_eq!(error.to_string().lines().count(), 1, "an error is one line: {error}"),
            Ok(Decoded::Sound(sound)) => assert!(sound.rate_hz > 0 && sound.samples.len() % sound.n_channels == 0),
            Ok(Decoded::Series { signals, .. }) => {
                for signal in signals {
                    assert_eq!(signal.values.len(), signal.n_instants() * signal.axes.len());
                    assert!(signal.n_instants() > 0 && signal.values.iter().all(|x| x.is_finite()));
                }
            }
            Ok(Decoded::Picture(picture)) => {
                assert_eq!(picture.pixels.len(), picture.height * picture.width * picture.channels);
            }
            Ok(Decoded::Arrays(set)) => {
                set.arrays().for_each(|input| assert_eq!(input.values.len(), set.n_samples() * input.sample_len()));
            }
        }
    }
}

/// Reads bytes as the index of a data set and as a table of labels, and writes and reads the index again.
///
/// # Panics
/// Something breaks a promise: an error of several lines, or an index that does not come back.
pub fn exercise_index(bytes: &[u8]) {
    if let Err(error) = LabelTable::parse(bytes) {
        assert_eq!(error.to_string().lines().count(), 1, "an error is one line: {error}");
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Library::from_ron(text) {
        Err(error) => assert_eq!(error.to_string().lines().count(), 1, "an error is one line: {error}"),
        Ok(library) => {
            std::hint::black_box((library.n_pieces(), library.findings(), library.balance()));
            let again = library.to_ron().expect("an index that was read can be written");
            assert_eq!(Library::from_ron(&again).expect("our own index"), library);
        }
    }
}
