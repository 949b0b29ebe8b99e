use super::*;

#[test]
fn angles_go_there_and_back() {
    for angles in [[0.0, 0.0, 0.0], [0.3, -0.7, 2.9], [-3.0, 1.2, -1.0]] {
        let found = Quaternion::from_angles(angles).angles();
        assert!(found.iter().zip(&angles).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}, expected {angles:?}");
    }
}

#[test]
fn tilt_and_heading_are_those_of_the_orientation() {
    let angles = [0.4, -0.6, 1.1];
    let board = Quaternion::from_angles(angles);
    let tilted = tilt(board.seen([0.0, 0.0, 1.0])).unwrap();
    assert!((tilted.0 - angles[0]).abs() < 1e-12 && (tilted.1 - angles[1]).abs() < 1e-12, "{tilted:?}");
    let north = heading(board.seen([0.5, 0.0, -0.8]), tilted).unwrap();
    assert!((north - angles[2]).abs() < 1e-12, "{north}");
    assert_eq!(tilt([0.0; 3]), None);
}

#[test]
fn the_correction_finds_the_orientation_without_a_gyroscope() {
    let truth = Quaternion::from_angles([0.5, -0.3, 0.8]);
    let (acc, mag) = (truth.seen([0.0, 0.0, 1.0]), truth.seen([0.5, 0.0, -0.8]));
    let mut found = Quaternion::from_angles([0.0; 3]);
    for _ in 0..4_000 {
        found = found.madgwick([0.0; 3], acc, Some(mag), 0.5, 0.005);
    }
    let (found, expected) = (found.angles(), truth.angles());
    assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 0.01), "{found:?}, expected {expected:?}");
}
