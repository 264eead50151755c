#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

// The C library's elementary functions under names that need no import elsewhere.

/// √x.
package func squareRoot(_ x: Double) -> Double { x.squareRoot() }
/// ln x.
package func naturalLogarithm(_ x: Double) -> Double { log(x) }
/// cos x, x in radians.
package func cosine(_ x: Double) -> Double { cos(x) }
/// eˣ.
package func exponential(_ x: Double) -> Double { exp(x) }
/// eˣ in single precision.
package func exponential(_ x: Float) -> Float { expf(x) }
/// tanh x.
package func hyperbolicTangent(_ x: Double) -> Double { tanh(x) }
/// eˣ − 1, exact also for small x.
package func exponentialMinusOne(_ x: Double) -> Double { expm1(x) }
/// ln(1 + x), exact also for small x.
package func logarithmOfOnePlus(_ x: Double) -> Double { log1p(x) }
/// 2/√π · ∫₀ˣ e^(−t²) dt.
package func errorFunction(_ x: Double) -> Double { erf(x) }
/// xʸ.
package func power(_ x: Double, _ y: Double) -> Double { pow(x, y) }
