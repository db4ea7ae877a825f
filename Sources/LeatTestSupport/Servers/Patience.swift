extension Duration {
    /// How long a test waits for what must come: so long that only what hangs runs into it,
    /// however slow the machine and however many tests run beside.
    ///
    /// What must be *quick* is measured instead, by the test that promises it.
    public static let patience: Duration = .seconds(300)
}
