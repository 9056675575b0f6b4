// The request of the regions engine: a loss that is a function of sums over regions of an image (moments), and terms of
// single pixels beside it. Up to two passes: the moments, unless they are given, and the gradient, if it is asked for.
#pragma once

#include "engine/row_loss.h"
#include "engine/status.h"
#include "engine/view.h"
#include "math/regions/indices.h"
#include "math/regions/plane_losses.h"
#include "math/regions/transform.h"

namespace cutloss {

enum class Activation : int { kSoftmax, kSigmoid, kNone };
enum class Over : int { kImageClass, kClass, kImage, kAll };  // what one region is
enum class Absent : int { kCount, kZero, kDrop };             // a region whose target is empty
enum class Weighting : int { kUniform, kSimple, kSquare };    // of the classes within a region: 1, 1/Y or 1/Y^2

/// The columns of exported moments: those of a region, then the terms of the pixels, whose totals for an image stand in
/// its first region.
inline constexpr const char* kRegionMomentNames[] = {"intersection",   "predictions", "targets", "predictionsSquared",
                                                     "targetsSquared", "least",       "pixels",  "crossEntropy",
                                                     "focal",          "weight"};
inline constexpr int kRegionMomentCount = sizeof kRegionMomentNames / sizeof *kRegionMomentNames;

inline constexpr int64_t kMostRounds = 1000;

struct RegionsRequest {
  static constexpr const char* kName = "regions";

  // inputs
  View predictions;    // [batch, pixels, classes], or [batch, classes, pixels] where channels_first
  View targets;        // class ids [batch, pixels], or, where soft_targets, labels in the layout of predictions
  View mask;           // [batch, pixels]
  View class_weights;  // [classes]
  View upstream;       // [regions], with Reduction::kNone
  View given_moments;  // [moment_rows(), kRegionMomentCount]: instead of this batch's own

  // outputs
  View gradient;  // like predictions, which it may be; must not overlap another input
  View per_item;  // [regions]
  View moments;   // [moment_rows(), kRegionMomentCount]

  // parameters
  int64_t batch = 0;
  int64_t pixels = 0;  // of one image
  int64_t classes = 0;
  int64_t channels_first = 0;
  int64_t soft_targets = 0;
  int64_t activation = 0;
  int64_t over = 0;
  int64_t class_moments = 0;  // the rows of moments tell classes apart, even where regions span them
  int64_t first_class = 0;    // classes before it belong to no region
  int64_t ignores = 0;        // whether there is an ignore_index
  int64_t ignore_index = 0;
  int64_t index = 0;  // into math::kRegionIndices, or math::kNoRegionIndex
  double index_first = 0;
  double index_second = 0;
  int64_t plane_loss = 0;  // a math::PlaneLoss in place of an index
  int64_t depth = 0;       // of an image whose shape matters; 0 in 2-D
  int64_t height = 0;
  int64_t width = 0;
  int64_t rounds = 0;  // of the soft skeleton; or by how much a skeleton becomes a tube
  int64_t weighting = 0;
  int64_t transform = 0;
  double transform_parameter = 0;
  double numerator_smooth = 0;
  double denominator_smooth = 0;
  int64_t squared = 0;
  int64_t l1 = 0;
  int64_t absent = 0;
  double exponent = 1;
  int64_t log = 0;
  double cross_entropy = 0;   // times the mean over pixels
  double focal = 0;           // likewise
  double focal_positive = 1;  // weight where the class is the target; softmax: of the classes from 1 on
  double focal_negative = 1;  // weight where it is not; softmax: of class 0
  double focal_gamma_positive = 2;
  double focal_gamma_negative = 2;  // sigmoid only
  double focal_margin = 0;          // sigmoid only: taken off the probability of what is not the target
  int64_t reduction = 0;
  double upstream_scale = 1;
  int64_t fresh_gradient = 0;  // its pages were never touched: prepare them for writing

  // results
  double loss = 0;
  double regions = 0;  // that counted

  CUTLOSS_HD int64_t region_classes() const { return classes - first_class; }
  CUTLOSS_HD bool by_image() const { return over == int(Over::kImageClass) || over == int(Over::kImage); }
  CUTLOSS_HD bool by_class() const { return over == int(Over::kImageClass) || over == int(Over::kClass); }
  CUTLOSS_HD int64_t region_count() const { return (by_image() ? batch : 1) * (by_class() ? region_classes() : 1); }
  CUTLOSS_HD int64_t moment_rows() const {
    return (by_image() ? batch : 1) * (by_class() || class_moments ? region_classes() : 1);
  }
  CUTLOSS_HD bool has_planes() const { return plane_loss != int64_t(math::PlaneLoss::kNone); }
  CUTLOSS_HD bool has_shape() const { return has_planes() && plane_loss != int64_t(math::PlaneLoss::kLovasz); }
  CUTLOSS_HD bool has_pixel_terms() const { return cross_entropy != 0 || focal != 0; }
};

template <Is<RegionsRequest> Request, class Visitor>
void fields(Request& r, Visitor&& visit) {
  visit.input("predictions", r.predictions, Accept::kFloating);
  visit.input("targets", r.targets, Accept::kAnyNumber);
  visit.input("mask", r.mask, Accept::kFloat32OrByte);
  visit.input("classWeights", r.class_weights, Accept::kFloat32);
  visit.input("upstream", r.upstream, Accept::kFloat32);
  visit.input("givenMoments", r.given_moments, Accept::kFloat64);

  visit.output("gradient", r.gradient, Accept::kFloating);
  visit.output("perItem", r.per_item, Accept::kFloat32);
  visit.output("moments", r.moments, Accept::kFloat64);

  visit.parameter("batch", r.batch);
  visit.parameter("pixels", r.pixels);
  visit.parameter("classes", r.classes);
  visit.parameter("channelsFirst", r.channels_first);
  visit.parameter("softTargets", r.soft_targets);
  visit.parameter("activation", r.activation);
  visit.parameter("over", r.over);
  visit.parameter("classMoments", r.class_moments);
  visit.parameter("firstClass", r.first_class);
  visit.parameter("ignores", r.ignores);
  visit.parameter("ignoreIndex", r.ignore_index);
  visit.parameter("index", r.index);
  visit.parameter("indexFirst", r.index_first);
  visit.parameter("indexSecond", r.index_second);
  visit.parameter("planeLoss", r.plane_loss);
  visit.parameter("depth", r.depth);
  visit.parameter("height", r.height);
  visit.parameter("width", r.width);
  visit.parameter("rounds", r.rounds);
  visit.parameter("weighting", r.weighting);
  visit.parameter("transform", r.transform);
  visit.parameter("transformParameter", r.transform_parameter);
  visit.parameter("numeratorSmooth", r.numerator_smooth);
  visit.parameter("denominatorSmooth", r.denominator_smooth);
  visit.parameter("squared", r.squared);
  visit.parameter("l1", r.l1);
  visit.parameter("absent", r.absent);
  visit.parameter("exponent", r.exponent);
  visit.parameter("log", r.log);
  visit.parameter("crossEntropy", r.cross_entropy);
  visit.parameter("focal", r.focal);
  visit.parameter("focalPositive", r.focal_positive);
  visit.parameter("focalNegative", r.focal_negative);
  visit.parameter("focalGammaPositive", r.focal_gamma_positive);
  visit.parameter("focalGammaNegative", r.focal_gamma_negative);
  visit.parameter("focalMargin", r.focal_margin);
  visit.parameter("reduction", r.reduction);
  visit.parameter("upstreamScale", r.upstream_scale);
  visit.parameter("freshGradient", r.fresh_gradient);

  visit.result("loss", r.loss);
  visit.result("regions", r.regions);
}

/// Whether an engine may touch the memory the request names: every length, the range of every choice, no overlaps.
Status check(const RegionsRequest& request) noexcept;

}  // namespace cutloss
