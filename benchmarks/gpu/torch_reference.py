"""PyTorch on the same GPU: products by cuBLAS, and a LoRA DPO step of the same shapes in bfloat16 with checkpointing. One JSON line each."""

import json
import sys
import time

import torch
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint

LENGTH, PAIRS = int(sys.argv[1]), int(sys.argv[2])
SIZES = [int(size) for size in sys.argv[3].split(",")]
SHAPES = {"tiny": (256, 512, 2, 4, 2), "1b": (2048, 5632, 22, 32, 4), "7b": (4096, 14336, 32, 32, 8)}
VOCABULARY, RANK = 32000, 16
device = "cuda" if torch.cuda.is_available() else "cpu"
torch.backends.cuda.matmul.allow_tf32 = False


def median_seconds(run, rounds=7):
    times = []
    for index in range(rounds + 2):
        if device == "cuda":
            torch.cuda.synchronize()
        start = time.perf_counter()
        run()
        if device == "cuda":
            torch.cuda.synchronize()
        if index >= 2:
            times.append(time.perf_counter() - start)
    return sorted(times)[rounds // 2]


def line(**values):
    print(json.dumps(values), flush=True)


for size in SIZES:
    for dtype in (torch.float32, torch.bfloat16):
        a = torch.rand(size, size, device=device, dtype=dtype)
        b = torch.rand(size, size, device=device, dtype=dtype)
        seconds = median_seconds(lambda: a @ b)
        line(case=f"matmul_{size}", dtype=str(dtype).split(".")[1], ms_median=seconds * 1e3, gflops=2 * size**3 / seconds / 1e9)


class LowRank(torch.nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(outputs, inputs, dtype=torch.bfloat16, device=device) * 0.02, requires_grad=False)
        self.a = torch.nn.Parameter(torch.randn(RANK, inputs, device=device) * 0.01)
        self.b = torch.nn.Parameter(torch.zeros(outputs, RANK, device=device))

    def forward(self, x):
        return F.linear(x, self.weight) + F.linear(F.linear(x, self.a.bfloat16()), self.b.bfloat16())


class Layer(torch.nn.Module):
    def __init__(self, width, inner, heads, groups):
        super().__init__()
        self.heads, self.groups, self.size = heads, groups, width // heads
        self.q, self.k, self.v = LowRank(width, width), LowRank(width, groups * self.size), LowRank(width, groups * self.size)
        self.o, self.gate, self.up, self.down = LowRank(width, width), LowRank(width, inner), LowRank(width, inner), LowRank(inner, width)

    def forward(self, x):
        batch, tokens, _ = x.shape
        h = F.rms_norm(x, x.shape[-1:])
        split = lambda y, count: y.view(batch, tokens, count, self.size).transpose(1, 2)
        q, k, v = split(self.q(h), self.heads), split(self.k(h), self.groups), split(self.v(h), self.groups)
        attended = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        x = x + self.o(attended.transpose(1, 2).reshape(batch, tokens, -1))
        h = F.rms_norm(x, x.shape[-1:])
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


def dpo_step(name):
    width, inner, count, heads, groups = SHAPES[name]
    embedding = torch.randn(VOCABULARY, width, dtype=torch.bfloat16, device=device) * 0.02
    head = torch.randn(VOCABULARY, width, dtype=torch.bfloat16, device=device) * 0.02
    layers = torch.nn.ModuleList(Layer(width, inner, heads, groups) for _ in range(count))
    optimizer = torch.optim.AdamW([p for p in layers.parameters() if p.requires_grad], lr=1e-5)
    ids = torch.randint(0, VOCABULARY, (2 * PAIRS, LENGTH), device=device)

    def step():
        x = embedding[ids].requires_grad_()
        for layer in layers:
            x = checkpoint(layer, x, use_reentrant=False)
        logits = F.linear(F.rms_norm(x, x.shape[-1:]), head)
        logps = -F.cross_entropy(logits[:, :-1].flatten(0, 1).float(), ids[:, 1:].flatten(), reduction="none").view(2 * PAIRS, -1)
        sums = logps[:, LENGTH // 4 :].sum(1)
        loss = -F.logsigmoid(0.1 * (sums[:PAIRS] - sums[PAIRS:])).mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    seconds = median_seconds(step, 3)
    line(case=f"dpo_lora_{name}", dtype="bfloat16", tokens_per_second=2 * PAIRS * LENGTH / seconds, seconds_per_step=seconds)


for name in sys.argv[4].split(","):
    if name:
        dpo_step(name)
