#pragma once

namespace ablaze::kernels {

/// A curve with parameters a and b, and its derivative, in float64. For the rarer activation functions: the
/// vector kernels call them for each number.
struct Formula {
  double (*value)(double x, double a, double b);
  double (*slope)(double x, double a, double b);
};

extern const Formula kPower;     ///< x^a; 0 where x is 0 and a is negative
extern const Formula kElu;       ///< b x above 0, b a (e^x - 1) below
extern const Formula kSoftplus;  ///< log(1 + e^x)
extern const Formula kMish;      ///< x tanh(log(1 + e^x))
extern const Formula kGelu;      ///< x (1 + erf(x / sqrt 2)) / 2
extern const Formula kErf;

}  // namespace ablaze::kernels
