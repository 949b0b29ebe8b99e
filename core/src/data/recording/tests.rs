use std::fs;

use proptest::prelude::*;

use super::*;

fn imu() -> BoardInfo {
    let channel = |name: &str, step| ChannelInfo { name: name.to_owned(), unit: "g".to_owned(), step };
    let sensor = |id, name: &str, kind, rate_hz, channels| SensorInfo {
        id,
        name: name.to_owned(),
        kind,
        rate_hz,
        encoding: Encoding::I16,
        channels,
    };
    let axes = vec![channel("ax", 0.5), channel("ay", 0.25)];
    let sensors =
        vec![sensor(1, "audio", Kind::Audio, 1000.0, vec![channel("left", 1.0)]), sensor(2, "imu", Kind::Imu, 100.0, axes)];
    BoardInfo { name: "board".to_owned(), number: 7, firmware: "1".to_owned(), sensors }
}

fn settings(folder: &Path) -> RecorderSettings {
    RecorderSettings { folder: folder.to_owned(), label: Some("yes".to_owned()), ..RecorderSettings::default() }
}

fn stamp(time_us: u64) -> Stamp {
    Stamp { time_us, arrival_us: time_us, ..Stamp::default() }
}

fn bytes(values: &[i16]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[test]
fn sequences_count_what_is_missing() {
    let mut sequence = Sequence::default();
    let missing: Vec<u16> = [65_534, 65_535, 0, 3, 4, 2, 3].map(|number| sequence.next(number)).into();
    assert_eq!(missing, [0, 0, 0, 2, 0, 0, 0]);
    sequence.restart();
    assert_eq!((sequence.next(900), sequence.lost()), (0, 2));
}

/// Gap before each block after the first: 10 instants of 1 ms each.
fn gaps(stamps: &[Stamp]) -> Vec<Option<(u64, Cause)>> {
    let mut timeline = Timeline::new(1000.0);
    let mut last_us = f64::NEG_INFINITY;
    let place = |stamp: &Stamp| {
        let placed = timeline.place(*stamp, 10);
        assert!(placed.time_us >= last_us, "time goes back");
        last_us = placed.time_us;
        placed.gap.map(|gap| (gap.missing, gap.cause))
    };
    stamps.iter().map(place).skip(1).collect()
}

#[test]
fn gaps_are_found_and_told_apart() {
    let at = |ms: u64| stamp(1000 * ms);
    assert_eq!(gaps(&[at(5), at(15), at(25)]), [None, None]);
    // Jitter is no gap, nor are the lost frames of another sensor.
    assert_eq!(gaps(&[at(5), Stamp { lost: true, ..at(16) }, at(24)]), [None, None]);
    assert_eq!(gaps(&[at(5), Stamp { lost: true, ..at(35) }]), [Some((20, Cause::Link))]);
    assert_eq!(gaps(&[at(5), Stamp { dropped: 7, ..at(22) }]), [Some((7, Cause::Board))]);
    assert_eq!(gaps(&[at(5), at(115), at(125)]), [Some((100, Cause::ClockAhead)), None]);
    assert_eq!(gaps(&[at(500), at(5), at(15)]), [Some((0, Cause::ClockBack)), None]);
    // A board that was away for half a second and begins anew, and one that kept its clock.
    let away = Stamp { reconnected: true, arrival_us: 1_010_000, ..at(3) };
    assert_eq!(gaps(&[at(500), away, at(13)]), [Some((500, Cause::Unplugged)), None]);
    assert_eq!(gaps(&[at(500), Stamp { reconnected: true, ..at(710) }]), [Some((200, Cause::Unplugged))]);
}

#[test]
fn a_clock_that_goes_otherwise_than_stated_is_followed_and_its_gaps_are_found() {
    for (rate_hz, block) in [(16_000.0, 256), (16_000.0, 2_048), (200.0, 2_048), (200.0, 1)] {
        for fast in [0.99, 1.01] {
            let period_us = 1e6 / rate_hz * fast;
            let mut timeline = Timeline::new(rate_hz);
            let (mut index, mut end_us, mut found) = (0, 0.0, Vec::new());
            for i in 0..400 {
                // The board drops some, and says so; later frames are lost.
                let dropped = if i == 200 { 3 * block as u32 } else { 0 };
                index += u64::from(dropped) + if i == 300 { block } else { 0 };
                let time_us = index as f64 * period_us;
                let stamp = Stamp { dropped, lost: i == 300, ..stamp(time_us.round() as u64) };
                let placed = timeline.place(stamp, block as usize);
                found.extend(placed.gap.map(|gap| (gap.missing, gap.cause)));
                // Until the rate is known, a block may be off by what the one before it took too long.
                let unknown_us = if i < 2 || time_us < 2.5e6 { 0.01 * block as f64 * period_us } else { 0.0 };
                let off_us = (placed.time_us - time_us).abs();
                assert!(off_us < 1_000.0 + unknown_us, "{rate_hz} Hz, {block}: {} for {time_us}", placed.time_us);
                assert!(placed.time_us >= end_us - period_us, "an instant comes before the one before");
                end_us = placed.time_us + block as f64 * placed.period_us;
                index += block;
            }
            assert_eq!(found, [(3 * block, Cause::Board), (block, Cause::Link)], "{rate_hz} Hz, {block}, {fast}");
            let is_followed = (timeline.period_us() / period_us - 1.0).abs() < 1e-4;
            assert!(is_followed || block == 1, "{rate_hz} Hz, {block}: {} for {period_us}", timeline.period_us());
        }
    }
}

#[test]
fn clocks_of_32_bits_wrap() {
    let near = (1_u64 << 32) - 4000;
    assert_eq!(gaps(&[stamp(near), stamp(6000), stamp(16_000)]), [None, None]);
    assert_eq!(gaps(&[stamp(near), Stamp { lost: true, ..stamp(26_000) }]), [Some((20, Cause::Link))]);
}

#[test]
fn a_steady_clock_takes_two_anchors_and_any_other_is_kept_within_the_tolerance() {
    let clip_of = |times: &[f64]| {
        let mut anchors = Anchors::default();
        times.iter().enumerate().for_each(|(i, time_us)| anchors.push(i as u64, *time_us));
        Clip { times: anchors.points(), ..Clip::default() }
    };
    // 130 ppm fast.
    let steady: Vec<f64> = (0..100_000).map(|i| 12.0 + f64::from(i) * 62.508_125).collect();
    assert_eq!(clip_of(&steady).times.len(), 2);
    let bent: Vec<f64> = (0..50_000).map(|i| f64::from(i) * 100.0 + 3000.0 * (f64::from(i) / 2000.0).sin()).collect();
    for times in [steady, bent] {
        let clip = clip_of(&times);
        assert!(clip.times.len() < 500, "{}", clip.times.len());
        for (i, time_us) in times.iter().enumerate() {
            assert!((clip.time_us(i as u64).unwrap() - time_us).abs() < 401.0, "{i}");
        }
    }
}

#[test]
fn a_burst_does_not_spoil_the_pace() {
    let mut pace = Pace::default();
    let (mut now_us, mut times) = (0, Vec::new());
    for i in 0..400_u64 {
        // 100 Hz in bunches of 2; a second of silence, then all of it at once.
        let stalled = (200..250).contains(&i);
        now_us = if stalled { 5_000_000 } else { 20_000 * (i + 1) };
        times.push((i, pace.arrived(2, now_us)));
    }
    assert!((pace.rate_hz().unwrap() - 100.0).abs() < 1.0, "{:?}", pace.rate_hz());
    assert!(times.is_sorted_by(|a, b| a.1 <= b.1));
    let (i, time_us) = times[399];
    assert!((time_us - 20_000.0 * i as f64).abs() < 25_000.0, "{time_us} of {now_us}");
}

#[test]
fn a_pace_that_begins_anew_does_not_count_the_time_between() {
    let mut pace = Pace::default();
    for i in 1..100 {
        pace.arrived(2, 20_000 * i);
    }
    pace.restart();
    let time_us = pace.arrived(2, 9_000_000);
    assert!((time_us - 8_990_000.0).abs() < 1_000.0, "{time_us}");
    assert!((pace.rate_hz().unwrap() - 100.0).abs() < 1.0, "{:?}", pace.rate_hz());
}

#[test]
fn what_is_recorded_comes_back_with_its_gaps() {
    let folder = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::new(settings(folder.path()), &imu()).unwrap();
    let mut add = |sensor, stamp, values: &[i16]| {
        recorder.add(&Block { sensor, stamp, instants: &bytes(values) }).unwrap();
    };
    add(1, stamp(1_000), &[1, 2, 3]);
    add(2, stamp(2_000), &[2, 4, 6, 8]);
    add(1, Stamp { dropped: 3, ..stamp(7_000) }, &[-32768]);
    add(2, stamp(22_000), &[10, 12]);
    add(9, stamp(22_000), &[10, 12]);
    let summaries = recorder.finish(Ended::Stopped).unwrap();
    assert_eq!(summaries.iter().map(|clip| (clip.instants, clip.gaps, clip.missing)).collect::<Vec<_>>(), [(4, 1, 3), (3, 0, 0)]);

    let sound = recover(&folder.path().join("yes_001_audio.wav")).unwrap();
    assert_eq!(sound.values, [1.0, 2.0, 3.0, -32768.0].map(|value| value / 32768.0));
    assert_eq!(sound.clip.gaps, [Gap { at: 3, missing: 3, time_us: 4_000, cause: Cause::Board }]);
    assert_eq!((sound.clip.time_us(2), sound.clip.time_us(3)), (Some(3000.0), Some(7000.0)));
    assert_eq!((sound.clip.ended, sound.clip.label.as_deref()), (Some(Ended::Stopped), Some("yes")));
    let table = recover(&folder.path().join("yes_001_imu.csv")).unwrap();
    assert_eq!(table.values, [1.0, 1.0, 3.0, 2.0, 5.0, 3.0]);
    assert_eq!(table.times_us, [2_000, 12_000, 22_000]);
    // The next recording gets the next number.
    drop(Recorder::new(settings(folder.path()), &imu()).unwrap());
    assert!(folder.path().join("yes_002_imu.csv").exists());
}

#[test]
fn whatever_channels_are_called_and_measure_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["1", "", "a;b", "x,\"y\"\n"].into_iter().map(str::to_owned).chain((4..70).map(|i| format!("{i}").repeat(40)));
    let channels: Vec<ChannelInfo> = names.map(|name| ChannelInfo { name, unit: String::new(), step: 1.0 }).collect();
    let mut board = imu();
    (board.sensors[1].channels, board.sensors[1].encoding) = (channels, Encoding::F32);
    let mut recorder =
        Recorder::new(RecorderSettings { sensors: vec!["2".to_owned()], ..settings(folder.path()) }, &board).unwrap();
    let values: Vec<f32> = (0..140).map(|i| [0.1 + i as f32, f32::NAN, f32::INFINITY, -1e-30][i % 4]).collect();
    let instants: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    recorder.add(&Block { sensor: 2, stamp: stamp(5), instants: &instants }).unwrap();
    recorder.finish(Ended::Stopped).unwrap();
    let path = folder.path().join("yes_001_imu.csv");
    let read = recover(&path).unwrap();
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&read.values), bits(&values));
    assert_eq!(read.times_us, [5, 10_005]);
    fs::remove_file(path.with_extension("ron")).unwrap();
    let names: Vec<String> = recover(&path).unwrap().clip.sensor.channels.into_iter().map(|channel| channel.name).collect();
    assert_eq!((names.len(), &names[..4]), (70, &["1", "", "a_b", "x__y__"].map(str::to_owned)[..]));
    // A row that is damaged is not left out: what follows would move.
    fs::write(&path, "time_us,a\n1,2\n2,x\n3,4\n").unwrap();
    let message = recover(&path).unwrap_err().to_string();
    assert!(message.contains("line 3 is no reading"), "{message}");
}

#[test]
fn gaps_without_end_take_no_memory_without_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::new(settings(folder.path()), &imu()).unwrap();
    let n_blocks = 3 * clip::MAX_GAPS as u64;
    for i in 0..n_blocks {
        let stamp = Stamp { dropped: 1, ..stamp(20_000 * i) };
        recorder.add(&Block { sensor: 2, stamp, instants: &bytes(&[1, 2]) }).unwrap();
    }
    let summary = recorder.finish(Ended::Stopped).unwrap().remove(1);
    assert_eq!((summary.instants, summary.gaps), (n_blocks, n_blocks - 1));
    let clip = Clip::read(&summary.path.with_extension("ron")).unwrap();
    assert_eq!(clip.gaps.len(), clip::MAX_GAPS);
    assert!(clip.times.len() < clip::MAX_GAPS + 10, "{}", clip.times.len());
    assert!((clip.time_us(n_blocks - 1).unwrap() - 20_000.0 * (n_blocks - 1) as f64).abs() < 1000.0);
}

#[test]
fn a_recording_that_was_never_ended_opens() {
    let folder = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::new(settings(folder.path()), &imu()).unwrap();
    for i in 0..5 {
        recorder.add(&Block { sensor: 1, stamp: stamp(3000 * i), instants: &bytes(&[1, 2, 3]) }).unwrap();
    }
    // Killed: neither header nor clip know of any sample, and the last one is cut.
    std::mem::forget(recorder);
    let path = folder.path().join("yes_001_audio.wav");
    let mut cut = fs::read(&path).unwrap();
    cut.pop();
    fs::write(&path, cut).unwrap();
    let sound = recover(&path).unwrap();
    assert_eq!((sound.clip.instants, sound.clip.ended), (14, None));
    fs::remove_file(path.with_extension("ron")).unwrap();
    assert_eq!(recover(&path).unwrap().values, sound.values);
}

#[test]
fn recordings_end_where_they_are_told_and_wrong_sensors_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let only = RecorderSettings { seconds: Some(0.004), sensors: vec!["audio".to_owned()], ..settings(folder.path()) };
    let mut recorder = Recorder::new(only, &imu()).unwrap();
    for i in 0..3 {
        recorder.add(&Block { sensor: 1, stamp: stamp(3000 * i), instants: &bytes(&[1, 2, 3]) }).unwrap();
    }
    assert!(recorder.is_full());
    assert_eq!(recorder.finish(Ended::Stopped).unwrap()[0].instants, 4);
    let wrong = RecorderSettings { sensors: vec!["light".to_owned()], ..settings(folder.path()) };
    let message = Recorder::new(wrong, &imu()).unwrap_err().to_string();
    assert!(message.contains("no sensor light, it has audio, imu"), "{message}");
}

proptest! {
    #[test]
    fn any_clock_gives_times_that_never_go_back(
        stamps in proptest::collection::vec((0..1_u64 << 50, 0..9_u32, any::<bool>(), any::<bool>(), any::<u32>()), 1..40),
    ) {
        let mut timeline = Timeline::new(100.0);
        let mut last_us = f64::NEG_INFINITY;
        for (time_us, dropped, lost, reconnected, arrival) in stamps {
            let stamp = Stamp { time_us, dropped, lost, reconnected, arrival_us: arrival.into() };
            let placed = timeline.place(stamp, 4);
            prop_assert!(placed.time_us > last_us && placed.time_us.is_finite());
            last_us = placed.time_us + 3.0 * placed.period_us;
        }
    }
}

proptest! {
    // Each case syncs files to the disk.
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn damaged_recordings_are_read_or_refused(damage in proptest::collection::vec((0..400_usize, any::<u8>()), 0..5), kept in 0..400_usize) {
        let folder = tempfile::tempdir().unwrap();
        let mut recorder = Recorder::new(settings(folder.path()), &imu()).unwrap();
        recorder.add(&Block { sensor: 2, stamp: stamp(0), instants: &bytes(&[3; 40]) }).unwrap();
        recorder.add(&Block { sensor: 1, stamp: stamp(0), instants: &bytes(&[3; 40]) }).unwrap();
        recorder.finish(Ended::Stopped).unwrap();
        for name in ["yes_001_imu.csv", "yes_001_audio.wav", "yes_001_audio.ron"] {
            let path = folder.path().join(name);
            let mut file = fs::read(&path).unwrap();
            file.truncate(kept);
            for (at, value) in &damage {
                if let Some(byte) = file.get_mut(*at) {
                    *byte = *value;
                }
            }
            fs::write(&path, file).unwrap();
        }
        for name in ["yes_001_imu.csv", "yes_001_audio.wav"] {
            if let Ok(recording) = recover(&folder.path().join(name)) {
                prop_assert!(recording.values.len() <= 400);
            }
        }
    }
}
