//! How much of a core the device link takes, and how much memory a recording.
//!
//! usage: `cargo bench -p tinsmith --bench device [-- MINUTES]`
//!
//! Two JSON objects, a line each. The first: a minute of a full 3 Mbaud link (300 kB a second) through decoder, messages and loss
//! accounting on one thread, as CPU time, and the part of a core that this would be. The second: MINUTES (60) of 16 kHz sound and
//! 6-axis motion from a simulated board through its pseudo-terminal to the disk, both ends in this process: seconds, and the
//! most bytes in use after the first tenth and at the end.

#[cfg(not(unix))]
fn main() {
    eprintln!("simulated boards need a Unix system");
}

#[cfg(unix)]
fn main() {
    on_unix::main();
}

#[cfg(unix)]
mod on_unix {
    use std::hint::black_box;
    use std::time::{Duration, Instant};

    use cpu_time::ThreadTime;
    use peak_alloc::PeakAlloc;
    use tinsmith::device::simulate::{BoardSettings, SensorSettings, Simulator, SimulatorSettings, Source, Speed};
    use tinsmith::device::{Connection, ConnectionSettings, Event, Request, Way};
    use tinsmith_core::data::recording::{RecorderSettings, Sequence, Stamp, Timeline};
    use tinsmith_runtime::link::{Decoder, MAX_ENCODED, MAX_FRAME, MAX_PAYLOAD, Report};

    #[global_allocator]
    static ALLOCATOR: PeakAlloc = PeakAlloc;

    /// Bytes a second of a link of 3 Mbaud: eight bits, a start and a stop bit each.
    const LINK_BYTES_A_SECOND: usize = 300_000;

    pub fn main() {
        let stream = stream(60 * LINK_BYTES_A_SECOND);
        let seconds = (0..5).map(|_| decode(&stream)).fold(f64::INFINITY, f64::min);
        println!(
            "{{\"what\":\"a minute of 3 Mbaud decoded\",\"bytes\":{},\"cpu_s\":{seconds:.3},\"mb_a_second\":{:.0},\"core_percent\":{:.3}}}",
            stream.len(),
            stream.len() as f64 / seconds / 1e6,
            100.0 * seconds / 60.0
        );
        drop(stream);
        ALLOCATOR.reset_peak_usage();
        let minutes = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(60.0);
        record(minutes);
    }

    /// Frames of sound.
    fn stream(len: usize) -> Vec<u8> {
        let (_, source) = Source::tones();
        let (mut scratch, mut out) = (vec![0; MAX_PAYLOAD], vec![0; MAX_ENCODED]);
        let (mut stream, mut index) = (Vec::with_capacity(len + MAX_ENCODED), 0);
        while stream.len() < len {
            let mut instants = Vec::new();
            (index..index + 256).for_each(|i| source.write(i, 2, &mut instants));
            let samples = Report::Samples { sensor: 1, time_us: index * 125 / 2, dropped: 0, instants: &instants };
            let n = samples.encode((index / 256) as u16, &mut scratch, &mut out).expect("a frame of sound fits");
            stream.extend(&out[..n]);
            index += 256;
        }
        stream
    }

    /// CPU seconds.
    fn decode(stream: &[u8]) -> f64 {
        let start = ThreadTime::now();
        let mut decoder = Decoder::new(vec![0; MAX_FRAME]);
        let (mut sequence, mut timeline, mut instants) = (Sequence::default(), Timeline::new(16_000.0), 0);
        for &byte in stream {
            let Some(Ok(frame)) = decoder.push(byte) else { continue };
            let lost = sequence.next(frame.sequence) > 0;
            if let Ok(Report::Samples { time_us, dropped, instants: bytes, .. }) = Report::decode(&frame) {
                let stamp = Stamp { time_us, dropped, lost, ..Stamp::default() };
                black_box(timeline.place(stamp, bytes.len() / 2));
                instants += bytes.len() / 2;
            }
        }
        assert!(instants > stream.len() / 3 && decoder.bad().total() == 0 && sequence.lost() == 0);
        start.elapsed().as_secs_f64()
    }

    fn record(minutes: f64) {
        let sensors = [Source::tones(), Source::gestures()].map(|(info, source)| SensorSettings { info, source });
        let board = BoardSettings {
            id: "bench".to_owned(),
            name: "bench".to_owned(),
            number: 1,
            flash_bytes: 0,
            ram_bytes: 0,
            sensors: sensors.into(),
            model: None,
        };
        let settings = SimulatorSettings { board, way: Way::Frames, speed: Speed::Max, faults: Vec::new(), seed: 1 };
        let simulator = Simulator::start(settings).expect("a pseudo-terminal");
        let connection = Connection::open(ConnectionSettings::new(simulator.port().display().to_string()));
        let folder = tempfile::tempdir().expect("a folder");
        let start = Instant::now();
        let settings =
            RecorderSettings { folder: folder.path().to_owned(), seconds: Some(60.0 * minutes), ..RecorderSettings::default() };
        connection.ask(Request::Record(settings));
        let (mut instants, mut early) = (0, None);
        let clips = loop {
            match connection.wait(Duration::from_secs(60)).expect("something happens") {
                Event::Samples { sensor: 1, instants: bytes, .. } => instants += bytes.len() / 2,
                Event::Recorded(clips) => break clips,
                Event::Failed(error) => panic!("{error}"),
                Event::RecordingFailed(error) => panic!("{error}"),
                _ => {}
            }
            if early.is_none() && instants as f64 > 6.0 * minutes * 16_000.0 {
                early = Some(ALLOCATOR.peak_usage());
                ALLOCATOR.reset_peak_usage();
            }
        };
        println!(
            "{{\"what\":\"{minutes} minutes of sound and motion recorded\",\"seconds\":{:.1},\"instants\":{},\"missing\":{},\
             \"peak_bytes_early\":{},\"peak_bytes\":{}}}",
            start.elapsed().as_secs_f64(),
            clips.iter().map(|clip| clip.instants).sum::<u64>(),
            clips.iter().map(|clip| clip.missing).sum::<u64>(),
            early.unwrap_or(0),
            ALLOCATOR.peak_usage()
        );
    }
}
