use super::*;

fn read(text: &str) -> Table {
    table(text.as_bytes(), Noise::Auto).unwrap()
}

#[test]
fn tables_have_headings_marks_and_line_ends_of_all_sorts() {
    let table = read("\u{FEFF}ax,ay,az\r\n1,2,3\r\n4,5,6\r\n");
    assert_eq!(table.headings, Some(vec!["ax".into(), "ay".into(), "az".into()]));
    assert_eq!(table.values, [1., 2., 3., 4., 5., 6.]);
    assert_eq!(read("1\t2\n3\t4\n").values, [1., 2., 3., 4.]);
    assert_eq!(read("1 2\n3  4").n_columns, 2);
    assert_eq!(read("a value\n1\n-2e3\n").values, [1., -2000.]);
    assert_eq!(read("ax;ay\n1,5;2\n").values, [1.5, 2.]);
    assert_eq!(read("\"1\",\"2\"\n").values, [1., 2.]);
}

#[test]
fn an_error_in_a_table_names_the_line() {
    let cases = [
        ("ax,ay\n1,2\n\n4\n", "line 4: it has 1 fields, expected 2"),
        ("ax,ay\n1,2\n5,hello\n", "line 3: \"hello\""),
        ("1,2\n5,nan\n", "line 2: \"nan\""),
        ("1,2\n5,inf\n", "line 2: \"inf\""),
        ("1,2\n3,\n", "line 2: \"\""),
        ("ax,ay\n", "no rows"),
        ("", "empty"),
        (" \n\n", "empty"),
        ("a\0b", "no text"),
    ];
    for (text, words) in cases {
        let error = table(text.as_bytes(), Noise::Auto).unwrap_err().to_string();
        assert!(error.contains(words) && error.lines().count() == 1, "{error}");
    }
}

#[test]
fn a_log_is_what_a_terminal_showed() {
    let text = "Script started\r\n\x1B[?1034hbash$ screen 115200\r\n -,-,-\r\n1,2,3\r\n4,5\r\n\x1B[2K4,5,6\r\n\r\n-,-,-\r\n\
                \\-1,0,1\r\n7,8,9\r\n-,-,-\r\nexit\r\n";
    let log = read(text);
    assert_eq!((log.n_columns, &log.parts[..]), (3, &[0..2, 2..3][..]));
    assert_eq!(log.values, [1., 2., 3., 4., 5., 6., 7., 8., 9.]);
    assert_eq!(log.left_out, 5);
    // Without separators most lines decide.
    let noisy = table(b"boot v1.2\n10\n1 2\n3 4\nwarning\n5 6\n", Noise::Skip).unwrap();
    assert_eq!((noisy.values.as_slice(), noisy.left_out), (&[1., 2., 3., 4., 5., 6.][..], 3));
    assert!(table(b"hello\nworld\n", Noise::Skip).is_err());
}

#[test]
fn time_and_counters_are_no_axes() {
    let table = read(",time_ms,delta_ms,accel_ms2_x,accel_ms2_y\n0,0,0,1,2\n1,8,8,3,4\n2,20,12,5,6\n");
    let signal = table.signal().unwrap();
    assert_eq!(signal.axes, [Axis::new("accel_ms2_x", "m/s2"), Axis::new("accel_ms2_y", "m/s2")]);
    assert_eq!(signal.times_ms, Some(vec![0.0, 8.0, 20.0]));
    assert_eq!(signal.rate_hz, Some(100.0));
    assert_eq!(signal.values, [1., 2., 3., 4., 5., 6.]);
    // A first column that counts nothing is an axis like any other.
    assert_eq!(read(",x\n5,1\n3,2\n").signal().unwrap().axes.len(), 2);
    assert!(read("time,x\n5,1\n3,2\n").signal().unwrap_err().to_string().contains("time goes back after row 1"));
    assert!(read("time\n5\n6\n").signal().is_err());
}

#[test]
fn units_of_time_are_told_by_the_name() {
    for (name, unit_ms) in [("time_ms", 1.0), ("timestamp", 1.0), ("time (s)", 1000.0), ("t_us", 1e-3), ("time_ns", 1e-6)] {
        assert_eq!(unit_of_time(name), Some(unit_ms), "{name}");
    }
    assert_eq!(unit_of_time("ax"), None);
    assert_eq!(unit_of_time("temperature"), None);
}

proptest::proptest! {
    #[test]
    fn recordings_come_back(
        rows in proptest::collection::vec((0.0_f64..1e9, proptest::num::f32::NORMAL, proptest::num::f32::ZERO), 1..20),
        timed in proptest::bool::ANY,
    ) {
        let mut times: Vec<f64> = rows.iter().map(|(time, ..)| *time).collect();
        times.sort_by(f64::total_cmp);
        let rate_hz = timed.then(|| rate_of(&times)).flatten();
        let values = rows.iter().flat_map(|&(_, x, y)| [x, y]).collect();
        let axes = vec![Axis::new("accX", "m/s2"), Axis::new("y", "")];
        let signal = Signal { rate_hz, axes, times_ms: timed.then_some(times), values };
        let again = table(csv(&signal).as_bytes(), Noise::Refuse).unwrap().signal().unwrap();
        proptest::prop_assert_eq!(again, signal);
    }
}
