//! Where a board points, from its accelerometer, gyroscope and magnetometer.
//!
//! Angles are Tait-Bryan angles of the board against the earth, z up: roll about x, pitch about y, yaw about z.

/// A vector of three axes.
pub(super) type Vector = [f64; 3];

/// A rotation, `w + xi + yj + zk`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Quaternion(pub [f64; 4]);

fn scaled<const N: usize>(v: [f64; N]) -> Option<[f64; N]> {
    let length = v.iter().map(|x| x * x).sum::<f64>().sqrt();
    (length > 0.0 && length.is_finite()).then(|| v.map(|x| x / length))
}

/// Roll and pitch of a board at rest that feels `acc`, radians; `None` for no acceleration.
pub(super) fn tilt(acc: Vector) -> Option<(f64, f64)> {
    let [x, y, z] = scaled(acc)?;
    Some((y.atan2(z), (-x).atan2(y.hypot(z))))
}

/// Yaw of a board of this tilt that feels the magnetic field `mag`, radians.
pub(super) fn heading(mag: Vector, (roll, pitch): (f64, f64)) -> Option<f64> {
    let [x, y, z] = scaled(mag)?;
    let east = y * roll.cos() - z * roll.sin();
    let north = x * pitch.cos() + (y * roll.sin() + z * roll.cos()) * pitch.sin();
    Some((-east).atan2(north))
}

/// An angle in (-pi, pi].
pub(super) fn wrapped(angle: f64) -> f64 {
    angle.sin().atan2(angle.cos())
}

impl Quaternion {
    /// Of these angles, radians.
    pub fn from_angles([roll, pitch, yaw]: Vector) -> Self {
        let (sr, cr) = (roll / 2.0).sin_cos();
        let (sp, cp) = (pitch / 2.0).sin_cos();
        let (sy, cy) = (yaw / 2.0).sin_cos();
        Self([cr * cp * cy + sr * sp * sy, sr * cp * cy - cr * sp * sy, cr * sp * cy + sr * cp * sy, cr * cp * sy - sr * sp * cy])
    }

    /// Roll, pitch, yaw, radians.
    pub fn angles(self) -> Vector {
        let [w, x, y, z] = self.0;
        let pitch = (2.0 * (w * y - z * x)).clamp(-1.0, 1.0).asin();
        [
            (2.0 * (w * x + y * z)).atan2(1.0 - 2.0 * (x * x + y * y)),
            pitch,
            (2.0 * (w * z + x * y)).atan2(1.0 - 2.0 * (y * y + z * z)),
        ]
    }

    fn times(self, other: Self) -> Self {
        let ([aw, ax, ay, az], [bw, bx, by, bz]) = (self.0, other.0);
        Self([
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ])
    }

    /// `v`, which the earth sees, as the board sees it.
    fn seen(self, [x, y, z]: Vector) -> Vector {
        let [w, a, b, c] = self.0;
        let Self([_, x, y, z]) = Self([w, -a, -b, -c]).times(Self([0.0, x, y, z])).times(self);
        [x, y, z]
    }

    /// One step of Madgwick's filter: the gyroscope's rotation, corrected against the gradient of the distance between what
    /// the board feels and what it would feel in this orientation. `beta` is the weight of the correction, radians a second.
    ///
    /// Source: S. Madgwick, *An efficient orientation filter for inertial and inertial/magnetic sensor arrays*, 2010.
    pub fn madgwick(self, gyro: Vector, acc: Vector, mag: Option<Vector>, beta: f64, seconds: f64) -> Self {
        let [gx, gy, gz] = gyro;
        let turn = self.times(Self([0.0, gx / 2.0, gy / 2.0, gz / 2.0])).0;
        let mut gradient = [0.0; 4];
        if let Some(acc) = scaled(acc) {
            self.add_gradient(&mut gradient, [0.0, 0.0, 1.0], acc);
            if let Some(mag) = mag.and_then(scaled) {
                self.add_gradient(&mut gradient, self.field(mag), mag);
            }
        }
        let correction = scaled(gradient).unwrap_or_default();
        let mut next = self.0;
        for (part, (turn, correction)) in next.iter_mut().zip(turn.iter().zip(&correction)) {
            *part += (turn - beta * correction) * seconds;
        }
        scaled(next).map_or(self, Self)
    }

    /// The earth's field for this measurement: north and down, never east, so that iron nearby bends the yaw alone.
    fn field(self, mag: Vector) -> Vector {
        let [w, a, b, c] = self.0;
        let [x, y, z] = Self([w, -a, -b, -c]).seen(mag);
        [x.hypot(y), 0.0, z]
    }

    /// Adds the gradient of `|seen(earth) - felt|² / 2` over the four parts.
    fn add_gradient(self, gradient: &mut [f64; 4], earth: Vector, felt: Vector) {
        let [w, x, y, z] = self.0;
        let [ex, ey, ez] = earth;
        let seen = self.seen(earth);
        let error = [seen[0] - felt[0], seen[1] - felt[1], seen[2] - felt[2]];
        // Derivatives of R(q)ᵀ e by w, x, y, z.
        let slopes = [
            [w * ex + z * ey - y * ez, w * ey - z * ex + x * ez, w * ez + y * ex - x * ey],
            [x * ex + y * ey + z * ez, y * ex - x * ey + w * ez, z * ex - w * ey - x * ez],
            [x * ey - y * ex - w * ez, x * ex + y * ey + z * ez, w * ex + z * ey - y * ez],
            [x * ez + w * ey - z * ex, y * ez - z * ey - w * ex, x * ex + y * ey + z * ez],
        ];
        for (part, slope) in gradient.iter_mut().zip(slopes) {
            *part += 2.0 * slope.iter().zip(&error).map(|(s, e)| s * e).sum::<f64>();
        }
    }
}

#[cfg(test)]
mod tests;
