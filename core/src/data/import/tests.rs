use std::fs;
use std::path::{Path, PathBuf};

use super::labels::{LabelSource, Pattern};
use super::raw::Element;
use super::*;
use crate::data::export::{Format, export};
use crate::data::library::tensors::tensors;
use crate::data::library::{INDEX, Library, Reader, Sample, Window};
use crate::data::{DataError, Split, Values};
use crate::progress::Cancel;
use crate::test_data::shared;

fn imported(source: &Path, out: &Path, options: &Options) -> Result<Imported, DataError> {
    import(source, out, options, &Cancel::new(), &mut |_, _| {})
}

fn exported(folder: &Path, library: &Library, format: Format, out: &Path) -> Result<usize, DataError> {
    export(folder, library, format, out, &Cancel::new(), &mut |_, _| {})
}

fn golden(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/audio").join(name)).unwrap()
}

fn auto(bytes: &[u8]) -> Result<Decoded, DataProblem> {
    decode(bytes, Noise::Auto, None)
}

fn sound(bytes: &[u8]) -> Sound {
    match auto(bytes).unwrap() {
        Decoded::Sound(sound) => sound,
        other => panic!("{:?}", other.kind()),
    }
}

#[test]
fn flac_is_lossless() {
    let ramp = sound(&golden("ramp.flac"));
    let expected: Vec<f32> = (0..800).map(|i| ((i * 37) % 2001 - 1000) as f32 / 32_768.0).collect();
    assert_eq!((ramp.rate_hz, ramp.n_channels, ramp.samples), (16_000, 1, expected));
    let stereo = sound(&golden("stereo24.flac"));
    let expected: Vec<f32> = (0..300).flat_map(|i| [i as f32, -i as f32]).map(|x| x / 8_388_608.0).collect();
    assert_eq!((stereo.rate_hz, stereo.n_channels, stereo.samples), (48_000, 2, expected));
}

#[test]
fn an_mp3_of_a_tone_is_a_tone() {
    let tone = sound(&golden("tone.mp3"));
    assert_eq!((tone.rate_hz, tone.n_channels), (16_000, 1));
    assert!((8_000..11_000).contains(&tone.samples.len()), "{}", tone.samples.len());
    // The strength of a frequency in the middle of the sound. Source: Goertzel.
    let middle = &tone.samples[2_000..6_000];
    let strength = |hz: f64| {
        let angle = |i: usize| 2.0 * std::f64::consts::PI * hz * i as f64 / 16_000.0;
        let sum = |f: fn(f64) -> f64| middle.iter().enumerate().map(|(i, x)| f64::from(*x) * f(angle(i))).sum::<f64>();
        sum(f64::sin).hypot(sum(f64::cos)) * 2.0 / middle.len() as f64
    };
    // libsndfile reads the same strength from this file.
    assert!((strength(1_000.0) - 0.514_9).abs() < 0.001, "{}", strength(1_000.0));
    assert!(strength(1_500.0) < 0.005);
}

#[test]
fn damaged_files_of_every_format_are_refused_in_a_line() {
    let picture = image::png(&image::Picture { height: 4, width: 4, channels: 3, pixels: vec![7; 48] }).unwrap();
    let npz_start = [&b"PK\x03\x04"[..], &[0; 40]].concat();
    let gzip = [&[0x1F, 0x8B, 8, 0][..], &[0; 20]].concat();
    let cut = |bytes: &[u8], n: usize| bytes[..n].to_vec();
    let cases = [
        Vec::new(),
        cut(&golden("ramp.flac"), 3),
        cut(&golden("ramp.flac"), 60),
        cut(&golden("tone.mp3"), 3),
        b"ID3\x04\0\0\xFF\xFF\xFF\x7F".to_vec(),
        cut(&picture, picture.len() - 20),
        b"\xFF\xD8\xFF\xE0".to_vec(),
        b"BM1234".to_vec(),
        npz_start,
        gzip,
        vec![0, 0, 8, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255],
        b"{\"payload\": 3}".to_vec(),
        b"\xA1\x67payload\x03".to_vec(),
        b"RIFX\0\0\0\0WAVE".to_vec(),
        b"\x01\x00\x02".to_vec(),
    ];
    for bytes in cases {
        let error = match auto(&bytes) {
            Err(error) => error.to_string(),
            Ok(decoded) => panic!("{bytes:?} is {:?}", decoded.kind()),
        };
        assert!(error.len() > 8 && error.lines().count() == 1, "{error}");
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_refused_or_read(
        start in proptest::sample::select(vec![
            &b""[..],
            b"RIFF\x40\0\0\0WAVEfmt ", b"fLaC\0\0\0\x22", b"ID3\x03\0\0", b"\xFF\xFB\x90", b"\x89PNG\r\n\x1A\n\0\0\0\rIHDR",
            b"\xFF\xD8\xFF\xE0", b"BM", b"\x93NUMPY\x01\0", b"PK\x03\x04", b"\0\0\x08\x01", b"\x1F\x8B\x08", b"ax,ay\n",
            b"-,-,-\n1,2,3\n",
            b"{\"protected\":{\"ver\":\"v1\"},\"payload\":{\"interval_ms\":1,\"sensors\":[", b"\xA3\x69protected",
        ]),
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300),
    ) {
        if let Err(error) = auto(&[start, &bytes].concat()) {
            proptest::prop_assert_eq!(error.to_string().lines().count(), 1);
        }
    }

    #[test]
    fn damaged_sound_is_refused_or_read(at in 0_usize..2000, bit in 0_u8..8, cut in 0_usize..2000) {
        for name in ["ramp.flac", "stereo24.flac", "tone.mp3"] {
            let mut bytes = golden(name);
            let n = bytes.len();
            bytes[at % n] ^= 1 << bit;
            bytes.truncate(n - cut % n);
            let _ = auto(&bytes);
        }
    }

    #[test]
    fn any_text_is_a_table_of_labels_or_not(text in "[a-z,\"\n ]{0,80}") {
        let _ = labels::LabelTable::parse(text.as_bytes());
    }
}

#[test]
fn every_malformed_table_sound_and_array_is_taken_as_expected() {
    let Some(folder) = shared("data/malformed") else { return };
    let expected = fs::read_to_string(folder.join("expect.csv")).unwrap();
    let mut n = 0;
    for row in expected.lines().skip(1) {
        let mut fields = row.splitn(3, ',');
        let (file, expect, what) = (fields.next().unwrap(), fields.next().unwrap(), fields.next().unwrap());
        if !["wav", "csv", "npy"].iter().any(|extension| file.ends_with(&format!(".{extension}"))) {
            continue;
        }
        n += 1;
        let out = tempfile::tempdir().unwrap();
        match imported(&folder.join(file), out.path(), &Options::default()) {
            Ok(_) => assert!(expect == "any", "{file} is taken: {what}"),
            Err(error) => {
                let error = error.to_string();
                assert!(!what.contains("must load"), "{error}");
                assert!(error.contains(file) && error.lines().count() == 1, "{error}");
                assert!(!what.contains("name the line") || error.contains(": line "), "{error}");
                assert!(!out.path().join(INDEX).exists());
            }
        }
    }
    assert!(n > 25, "{n} files");
}

/// Imports a part of the shared data; the folder lives as long as the second value.
fn shared_set(relative: &str, options: &Options) -> Option<(Imported, tempfile::TempDir)> {
    let source = shared(&format!("data/{relative}"))?;
    let out = tempfile::tempdir().unwrap();
    let imported = imported(&source, out.path(), options).unwrap_or_else(|error| panic!("{error}"));
    assert!(imported.refused.is_empty(), "{:?}", imported.refused);
    assert_eq!(Library::open(out.path()).unwrap(), imported.library);
    let mut reader = Reader::new(out.path());
    for item in &imported.library.items {
        reader.read(&imported.library, item).unwrap_or_else(|error| panic!("{error}"));
    }
    Some((imported, out))
}

#[test]
fn the_shared_sounds_open_with_their_tables() {
    let Some((fsdd, _folder)) = shared_set("audio/fsdd", &Options::default()) else { return };
    let library = fsdd.library;
    assert_eq!((library.items.len(), library.labels.len(), library.groups().len(), library.rate_hz), (360, 10, 6, Some(8000.0)));
    assert_eq!(library.balance()[7].items, [0, 0, 6, 30]);
    let (commands, _folder) = shared_set("audio/speech_commands", &Options::default()).unwrap();
    assert_eq!((commands.library.items.len(), commands.library.labels.len()), (300, 12));
    let by_folder = Options { labels: LabelSource::Folder, kind: Some(Kind::Sound), ..Options::default() };
    let (folders, _folder) = imported_from(&by_folder);
    let labels = |library: &Library| library.items.iter().map(|item| item.label.clone()).collect::<Vec<_>>();
    assert_eq!(labels(&folders.library), labels(&commands.library));
    let (micro, _folder) = shared_set("audio/micro_speech", &Options::default()).unwrap();
    assert_eq!((micro.library.items.len(), micro.library.labels.len()), (6, 0));
}

/// The key words by their folders, in which the table of labels is no sound.
fn imported_from(options: &Options) -> (Imported, tempfile::TempDir) {
    let out = tempfile::tempdir().unwrap();
    let source = shared("data/audio/speech_commands").unwrap();
    let imported = imported(&source, out.path(), options).unwrap();
    assert_eq!(imported.refused.len(), 1, "labels.csv");
    (imported, out)
}

#[test]
fn the_shared_motion_logs_open_with_times_and_parts() {
    let Some((gestures, folder)) = shared_set("imu/gesture_demo/raw", &Options::default()) else { return };
    let library = gestures.library;
    assert_eq!((library.items.len(), library.axes.len()), (17, 22));
    assert_eq!(library.labels, ["flippendo", "negative", "wingardium"]);
    assert!((99.0..101.0).contains(&library.rate_hz.unwrap()), "{:?}", library.rate_hz);
    assert_eq!((library.axes[0].name.as_str(), library.axes[0].unit.as_str()), ("accel_ms2_x", "m/s2"));
    let Sample::Signal(signal) = Reader::new(folder.path()).read(&library, &library.items[0]).unwrap() else {
        panic!("a recording")
    };
    assert_eq!(signal.values[..3], [-10.23, -5.29, 8.09]);
    assert_eq!(signal.times_ms.unwrap()[1], 8.322);

    let name = Pattern::parse("output_{label}_{group}").unwrap();
    let options = Options { labels: LabelSource::Name(name), rate_hz: Some(25.0), ..Options::default() };
    let (wand, _folder) = shared_set("imu/magic_wand/raw", &options).unwrap();
    assert_eq!(wand.library.labels, ["negative", "ring", "slope", "wing"]);
    assert_eq!((wand.library.axes.len(), wand.library.groups().len(), wand.library.rate_hz), (3, 4, Some(25.0)));
    assert_eq!(wand.library.items.len(), 254, "as many as a regular expression finds");
    assert!(wand.notes.iter().any(|note| note.contains("lines that hold no row of numbers")), "{:?}", wand.notes);

    let (windows, folder) = shared_set("imu/gesture_demo/windows", &Options::default()).unwrap();
    assert_eq!((windows.library.items.len(), windows.library.axes.len()), (30, 6));
    let set = tensors(folder.path(), &windows.library, None, &Cancel::new()).unwrap().set;
    assert_eq!(set.sample_shape, [128, 6]);
}

#[test]
fn the_shared_images_and_arrays_open() {
    let Some((jpeg, folder)) = shared_set("images/cifar10/jpg", &Options::default()) else { return };
    assert_eq!((jpeg.library.items.len(), jpeg.library.labels.len()), (60, 10));
    assert_eq!(tensors(folder.path(), &jpeg.library, None, &Cancel::new()).unwrap().set.sample_shape, [32, 32, 3]);
    let (png, _folder) = shared_set("images/cifar10/png", &Options::default()).unwrap();
    assert_eq!(png.library.items.len(), 20);
    for (file, n) in
        [("images/digits/digits.npz", 1797), ("kws01/kws01.npz", 1000), ("images/cifar10/cifar10_jpeg_1000.npz", 1000)]
    {
        let source = shared(&format!("data/{file}")).unwrap();
        let (set, folder) = shared_set(file, &Options::default()).unwrap();
        assert_eq!(set.library.items.len(), n);
        let (before, after) = (crate::data::open(&source).unwrap(), crate::data::open(folder.path()).unwrap());
        assert_eq!((before.values, before.labels, before.label_names), (after.values, after.labels, after.label_names), "{file}");
        assert_eq!((before.splits, before.scale, before.zero_point), (after.splits, after.scale, after.zero_point), "{file}");
    }
    let raw = Some(Raw { shape: vec![49, 10, 1], element: Element::I8 });
    let (kws, folder) = shared_set("kws01/raw", &Options { raw, ..Options::default() }).unwrap();
    assert_eq!((kws.library.items.len(), kws.library.items[0].label.as_deref()), (24, Some("7")));
    let set = tensors(folder.path(), &kws.library, None, &Cancel::new()).unwrap().set;
    assert_eq!((set.sample_shape, set.labels.unwrap()[0]), (vec![49, 10, 1], 7));
    let raw = Some(Raw { shape: vec![128], element: Element::F32 });
    let (toy, _folder) =
        shared_set("mlperf_tiny/ad/normal_id_01_00000000_hist_librosa.bin", &Options { raw, ..Options::default() }).unwrap();
    assert_eq!(toy.library.items.len(), 200);
}

#[test]
fn exports_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| -> PathBuf { folder.path().join(name) };
    // Motion of two axes: three recordings of two classes, two splits, one person.
    fs::create_dir_all(at("motion/up")).unwrap();
    fs::create_dir_all(at("motion/down")).unwrap();
    for (name, first) in [("up/a", 1.5), ("up/b", -2.25), ("down/a", 0.1)] {
        let rows: String = (0..8).map(|i| format!("{},{first},{}\n", i * 10, i as f32 * 0.3)).collect();
        fs::write(at("motion").join(format!("{name}.csv")), format!("time_ms,ax (g),ay (g)\n{rows}")).unwrap();
    }
    let made = imported(&at("motion"), &at("set"), &Options::default()).unwrap();
    let library = made.library.with_split(&[0, 1], Some(Split::Train)).with_split(&[2], Some(Split::Test));
    let before = tensors(&at("set"), &library, None, &Cancel::new()).unwrap().set;
    assert_eq!((before.sample_shape.as_slice(), before.labels.as_deref()), (&[8, 2][..], Some(&[0, 1, 1][..])));
    for format in [Format::Csv, Format::EdgeImpulseJson, Format::EdgeImpulseCbor, Format::Npz] {
        let (to, again) = (at(format.name()), at(&format!("{} again", format.name())));
        exported(&at("set"), &library, format, &to).unwrap();
        let back = imported(&to, &again, &Options::default()).unwrap();
        assert!(back.refused.is_empty(), "{:?}", back.refused);
        let mut after = tensors(&again, &back.library, None, &Cancel::new()).unwrap().set;
        // Files are listed by name: down comes before up, and testing before training.
        let order = |set: &crate::data::DataSet| {
            let Values::F32(values) = &set.values else { panic!("real numbers") };
            let mut all: Vec<_> = (0..3)
                .map(|i| (values[i * 16..][..16].to_vec(), set.labels.as_ref().unwrap()[i], set.splits.as_ref().unwrap()[i]))
                .collect();
            all.sort_by(|a, b| a.0[0].total_cmp(&b.0[0]));
            all
        };
        assert_eq!(order(&after), order(&before), "{}", format.name());
        after.label_names.sort();
        assert_eq!(after.label_names, ["down", "up"]);
        if format != Format::Npz {
            assert_eq!((back.library.rate_hz, &back.library.axes), (Some(100.0), &library.axes));
        }
    }
    let refusal = exported(&at("set"), &library, Format::Png, &at("png")).unwrap_err().to_string();
    assert!(refusal.contains("png files cannot hold"), "{refusal}");
}

#[test]
fn pictures_and_sounds_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| -> PathBuf { folder.path().join(name) };
    for (class, seed) in [("cat", 1), ("dog", 2)] {
        fs::create_dir_all(at("pictures").join(class)).unwrap();
        fs::create_dir_all(at("sounds").join(class)).unwrap();
        let pixels = (0..24).map(|i| (i * 10 + seed) as u8).collect();
        let picture = image::Picture { height: 4, width: 6, channels: 1, pixels };
        fs::write(at("pictures").join(class).join("1.png"), image::png(&picture).unwrap()).unwrap();
        let samples = (0..40).map(|i| (i * seed) as f32 / 32_768.0).collect();
        let sound = Sound { rate_hz: 8000, n_channels: 2, samples };
        fs::write(at("sounds").join(class).join("1.wav"), wav::write(&sound).unwrap()).unwrap();
    }
    let cases = [
        ("pictures", Format::Png),
        ("pictures", Format::Idx),
        ("pictures", Format::Npz),
        ("sounds", Format::Wav),
        ("sounds", Format::EdgeImpulseJson),
        ("sounds", Format::EdgeImpulseCbor),
    ];
    for (source, format) in cases {
        let name = format!("{source} {}", format.name());
        let made = imported(&at(source), &at(&format!("{name} set")), &Options::default()).unwrap();
        let before = tensors(&at(&format!("{name} set")), &made.library, None, &Cancel::new()).unwrap().set;
        exported(&at(&format!("{name} set")), &made.library, format, &at(&name)).unwrap();
        let back = imported(&at(&name), &at(&format!("{name} again")), &Options::default()).unwrap();
        let after = tensors(&at(&format!("{name} again")), &back.library, None, &Cancel::new()).unwrap().set;
        assert_eq!((after.values, after.labels), (before.values, before.labels), "{name}");
    }
}

#[test]
fn folders_are_splits_and_classes() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| -> PathBuf { folder.path().join(name) };
    let import_of = |name: &str, files: &[&str]| {
        for file in files {
            fs::create_dir_all(at(name).join(file)).unwrap();
            fs::write(at(name).join(file).join("1.csv"), "1,2\n").unwrap();
        }
        let made = imported(&at(name), &at(&format!("{name} set")), &Options::default()).unwrap();
        made.library.items.iter().map(|item| (item.label.clone(), item.split)).collect::<Vec<_>>()
    };
    let yes = |split| (Some("yes".to_owned()), Some(split));
    let of_splits = import_of("splits", &["testing/no", "testing/yes", "training/yes"]);
    assert_eq!(of_splits[1..], [yes(Split::Test), yes(Split::Train)]);
    // A train among vehicles is a class, and splits alone are none.
    assert_eq!(import_of("vehicles", &["bus", "train"])[1], (Some("train".into()), None));
    assert_eq!(import_of("plain", &["test", "train"])[1], (None, Some(Split::Train)));
}

#[test]
fn nothing_that_is_there_is_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::create_dir(path.join("samples")).unwrap();
    fs::write(path.join("a.csv"), "x,y\n1,2\n").unwrap();
    fs::write(path.join("samples/a.csv"), "x,y\n3,4\n").unwrap();
    let error = imported(path, path, &Options::default()).unwrap_err().to_string();
    assert!(error.contains("already; choose another folder"), "{error}");
    assert_eq!(fs::read_to_string(path.join("samples/a.csv")).unwrap(), "x,y\n3,4\n");

    let set = tempfile::tempdir().unwrap();
    let library = imported(&path.join("a.csv"), set.path(), &Options::default()).unwrap().library;
    for out in [path, set.path()] {
        fs::write(out.join("labels.csv"), "mine").unwrap();
        let error = exported(set.path(), &library, Format::Csv, out).unwrap_err().to_string();
        assert!(error.contains("already; choose another folder"), "{error}");
        assert_eq!(fs::read_to_string(out.join("labels.csv")).unwrap(), "mine");
    }
}

#[test]
fn labels_of_any_whole_numbers_are_taken_and_others_refused() {
    let folder = tempfile::tempdir().unwrap();
    let array = |name: &str, descr: &str, shape: &[usize], bytes: &[u8]| {
        let mut file = Vec::new();
        crate::data::npy::write(&mut file, descr, shape, bytes).unwrap();
        fs::write(folder.path().join(name), file).unwrap();
    };
    array("images.npy", "|u1", &[3, 2], &[0; 6]);
    array("labels.npy", "<i8", &[3], &[2_i64, 0, 1].map(i64::to_le_bytes).concat());
    let out = tempfile::tempdir().unwrap();
    let library = imported(folder.path(), out.path(), &Options::default()).unwrap().library;
    let labels: Vec<Option<&str>> = library.items.iter().map(|item| item.label.as_deref()).collect();
    assert_eq!(labels, [Some("2"), Some("0"), Some("1")]);
    array("labels.npy", "<f4", &[3], &[0.5_f32, 0.0, 1.0].map(f32::to_le_bytes).concat());
    let again = tempfile::tempdir().unwrap();
    let error = imported(folder.path(), again.path(), &Options::default()).unwrap_err().to_string();
    assert!(error.contains("holds no classes"), "{error}");
}

#[test]
fn packed_logs_in_several_parts_are_whole() {
    use std::io::Write;
    let packed = |text: &str| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let bytes = [packed("x,y\n1,2\n"), packed("3,4\n")].concat();
    let Decoded::Series { signals, .. } = auto(&bytes).unwrap() else { panic!("a series") };
    assert_eq!(signals[0].values, [1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn columns_whose_names_only_begin_like_time_are_measured() {
    let Decoded::Series { signals, .. } = auto(b"delta_pressure,delta_ms,x\n1,10,2\n3,10,4\n").unwrap() else {
        panic!("a series")
    };
    assert_eq!(signals[0].axes.iter().map(|axis| axis.name.as_str()).collect::<Vec<_>>(), ["delta_pressure", "x"]);
    assert!(auto(b"x,y\n1,1e300\n").is_err(), "no number of single precision");
}

#[test]
fn a_folder_with_a_broken_file_is_imported_without_it() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("in");
    fs::create_dir(&source).unwrap();
    fs::write(source.join("1.csv"), "x,y\n1,2\n").unwrap();
    fs::write(source.join("2.csv"), "x,y\n1,oops\n").unwrap();
    fs::write(source.join("3.csv"), "x\n1\n").unwrap();
    fs::write(source.join("LICENSE"), "all rights").unwrap();
    let out = folder.path().join("out");
    let options = Options { window: Some(Window { length: 1, stride: 1, pad: false }), ..Options::default() };
    let made = imported(&source, &out, &options).unwrap();
    assert_eq!(made.library.items.len(), 1);
    let refused: Vec<String> = made.refused.iter().map(ToString::to_string).collect();
    assert!(refused[0].contains("2.csv: line 2") && refused[1].contains("1 axes or channels"), "{refused:?}");
    assert!(made.notes.iter().any(|note| note.contains("--rate")));
    let again = imported(&source, &out, &options).unwrap_err().to_string();
    assert!(again.contains("a data set already"), "{again}");
    fs::remove_file(source.join("1.csv")).unwrap();
    fs::remove_file(source.join("3.csv")).unwrap();
    assert!(imported(&source, &folder.path().join("none"), &options).unwrap_err().to_string().contains("line 2"));
}
