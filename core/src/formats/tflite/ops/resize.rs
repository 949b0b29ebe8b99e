//! RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR.

use super::super::schema::{
    BuiltinOperator, BuiltinOptions, ResizeBilinearOptions, ResizeBilinearOptionsArgs, ResizeNearestNeighborOptions,
    ResizeNearestNeighborOptionsArgs,
};
use super::{Mapping, Options, Refusal, Sharing, Source};
use crate::ops::{Operands, ResizeBilinear, ResizeNearestNeighbor};
use crate::tensor::ElementType;

impl Mapping for ResizeNearestNeighbor {
    const CODES: &'static [BuiltinOperator] = &[BuiltinOperator::RESIZE_NEAREST_NEIGHBOR];

    fn import(source: &Source<'_>) -> Result<Self, Refusal> {
        // Runtimes take a left-out table for "neither".
        let file = source.operator.builtin_options_as_resize_nearest_neighbor_options();
        Ok(Self {
            align_corners: file.is_some_and(|o| o.align_corners()),
            half_pixel_centers: file.is_some_and(|o| o.half_pixel_centers()),
        })
    }

    fn version(&self, operands: &Operands<'_>) -> i32 {
        let by_type = super::version_by_type(operands, 0, &[(ElementType::I8, 2), (ElementType::I16, 4)]);
        if self.align_corners || self.half_pixel_centers { by_type.max(3) } else { by_type }
    }

    fn options(&self, _operands: &Operands<'_>, out: &mut Sharing<'_>) -> Options {
        let args =
            ResizeNearestNeighborOptionsArgs { align_corners: self.align_corners, half_pixel_centers: self.half_pixel_centers };
        out.options(BuiltinOptions::ResizeNearestNeighborOptions, |builder| {
            ResizeNearestNeighborOptions::create(builder, &args).value()
        })
    }
}

impl Mapping for ResizeBilinear {
    const CODES: &'static [BuiltinOperator] = &[BuiltinOperator::RESIZE_BILINEAR];

    fn import(source: &Source<'_>) -> Result<Self, Refusal> {
        // Runtimes take a left-out table for "neither".
        let file = source.operator.builtin_options_as_resize_bilinear_options();
        Ok(Self {
            align_corners: file.is_some_and(|o| o.align_corners()),
            half_pixel_centers: file.is_some_and(|o| o.half_pixel_centers()),
        })
    }

    fn version(&self, operands: &Operands<'_>) -> i32 {
        let by_type = super::version_by_type(operands, 0, &[(ElementType::I8, 2), (ElementType::I16, 4)]);
        if self.half_pixel_centers { by_type.max(3) } else { by_type }
    }

    fn options(&self, _operands: &Operands<'_>, out: &mut Sharing<'_>) -> Options {
        let args = ResizeBilinearOptionsArgs { align_corners: self.align_corners, half_pixel_centers: self.half_pixel_centers };
        out.options(BuiltinOptions::ResizeBilinearOptions, |builder| ResizeBilinearOptions::create(builder, &args).value())
    }
}
