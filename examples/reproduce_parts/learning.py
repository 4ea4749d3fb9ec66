"""Papers on how networks learn."""

from examples.reproduce_parts.claims import Check, Claim
from examples.reproduce_parts.paper import Paper, Run

LOCAL = Paper(
    "Backpropagation and Biological Plausibility; Local Propagation in "
    "Constraint-based Neural Networks",
    "Betti, Gori and Marra 2018; Marra et al. 2020",
    {
        "local": Run("-m examples.local_learning", "local_uci"),
        "support": Run(
            "-m examples.support_neurons --seeds=1",
            "support_neurons",
            "support_neurons.png",
        ),
    },
    (
        Claim(
            "Local learning reaches the accuracy of backpropagation",
            "accuracy less that of backpropagation, points",
            (Check("local", "*/accuracy less backprop", ">=", -1),),
        ),
        Claim(
            "A tolerance makes support neurons: some neurons, and not all",
            "support neurons at the smallest tolerance, %",
            (Check("support", "epsilon 0.0001/support neurons", "<", 95),),
        ),
        Claim(
            "The others are not needed",
            "accuracy without them at a tolerance of 0.003, and with, %",
            (
                Check(
                    "support",
                    "epsilon 0.003/accuracy, test, of the support*",
                    ">=",
                    "epsilon 0.003/accuracy, test",
                ),
            ),
        ),
    ),
)

IMPLICIT = Paper(
    "Robust Implicit Backpropagation",
    "Fagan and Iyengar 2018",
    {
        "mlp": Run(
            "-m examples.implicit_robustness",
            "implicit_relu",
            "implicit_mnist.png",
        ),
        "conv": Run("", "implicit_conv", "implicit_conv.png"),
        "uci": Run("", "implicit_uci", "implicit_uci.png"),
    },
    (
        Claim(
            "Their rule widens the range of rates of a convolutional network",
            "accuracy at a rate of 0.8, and of explicit steps, %",
            (
                Check(
                    "conv",
                    "conv/published/accuracy at 0.8, test",
                    ">",
                    "conv/explicit/accuracy at 0.8, test",
                ),
            ),
        ),
        Claim(
            "The layer-wise rule does so for a dense one of ReLU units",
            "decades of rate near the best explicit result, and explicit",
            (
                Check(
                    "mlp",
                    "*/layerwise/decades of the rate*",
                    ">",
                    "*/explicit/decades of the rate*",
                ),
            ),
        ),
        Claim(
            "Steps of the dual problem do, which are not in the paper",
            "decades of rate near the best explicit result",
            (
                Check(
                    "mlp",
                    "*/dual/decades of the rate*",
                    ">",
                    "*/adam/decades of the rate*",
                ),
                Check("mlp", "*/dual/decades of the rate*", ">=", 4),
            ),
        ),
        Claim(
            "On small sets they are better than Adam",
            "best accuracy less that of Adam, points",
            (Check("uci", "uci/dual/best accuracy, less*adam", ">=", 0),),
        ),
    ),
)

BACKPROP_Q = Paper(
    "Backprop-Q: Generalized Backpropagation for Stochastic Computation Graphs",
    "Xu, Zu and Zhou 2018",
    {
        "q": Run(
            "-m examples.backprop_q",
            "backprop_q",
            "backprop_q.png",
            keeps=False,
        ),
        "memory": Run("", "backprop_q_memory", "backprop_q_memory.png"),
    },
    (
        Claim(
            "Critics learn the gradient of each of its graphs",
            "bias of the gradient, all actions",
            (Check("q", "*, all_action/bias of the gradient", "<=", 0.05),),
        ),
        Claim(
            "With less variance than the score function",
            "variance of one estimate over that of the score function",
            (
                Check(
                    "q",
                    "diamond, all_action/variance of one estimate",
                    "<",
                    "diamond, score/variance of one estimate",
                ),
            ),
        ),
        Claim(
            "As control variates they leave no bias",
            "largest |z| of the gradient",
            (
                Check(
                    "q",
                    "*, control_variate/largest |z| of the gradient",
                    "<=",
                    4.5,
                ),
            ),
        ),
        Claim(
            "Learned local costs help where a cost is far away",
            "wrong answers less those of unbiased estimators after equal time, "
            "memory for 20 steps, points",
            (
                Check(
                    "memory",
                    "*/all_action_* against */*of one core*",
                    "<",
                    0,
                ),
            ),
        ),
    ),
)

REPLACE = Paper(
    "Why is Geoffrey Hinton suspicious of backpropagation and wants AI to "
    "start over?, and the rules that might replace it",
    "2017; Lillicrap et al. 2016; Nøkland 2016; Lee et al. 2015; Hinton 2022",
    {
        "images": Run(
            "-m examples.replace_backprop",
            "replace_backprop_mnist",
            "local_rules_angles.png",
        ),
        "tables": Run("-m examples.replace_backprop", "replace_backprop_uci"),
    },
    tuple(
        Claim(
            f"{name} can stand in for backpropagation",
            "accuracy less that of backpropagation, points",
            tuple(
                Check(run, f"*/{rule}/accuracy less backprop", ">=", -1)
                for run in ("images", "tables")
            ),
        )
        for name, rule in (
            ("Feedback alignment", "feedback_alignment"),
            ("Feedback with the signs of weights", "sign_symmetric"),
            ("Direct feedback alignment", "direct_feedback_alignment"),
            ("Difference target propagation", "difference_target_propagation"),
            ("Forward-forward", "forward_forward"),
        )
    ),
)
