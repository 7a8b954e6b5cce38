"""Draws docs/*.svg from the real output of the acme example: python3 docs/pictures.py, in the root of the repository."""
import subprocess, re, html, os
SNAPSHOT="examples/acme/snapshot.json"
def run(*arguments):
    command=["./target/debug/deodar","check",SNAPSHOT,"--now","2026-09-01T12:00:00Z","--color","always",*arguments]
    return subprocess.run(command,capture_output=True,text=True,env={**os.environ,"COLUMNS":"100"}).stdout.split("\n")
strip=lambda l: re.sub(r"\x1b\[[0-9;]*m","",l)
report=run("--style","concise")
full=run("--style","full","--only","MOE-AUTH-02")
start=next(i for i,l in enumerate(full) if strip(l).startswith("MOE-AUTH-02"))
end=next(i for i in range(start+1,len(full)) if strip(full[i]).startswith("MOE-"))
COL={31:"#f87171",32:"#4ade80",33:"#fbbf24",34:"#60a5fa",35:"#e879f9",36:"#22d3ee"}
W,H,PAD=8.43,18,16
def svg(part,title,cols):
    w=cols*W+2*PAD; h=len(part)*H+2*PAD+26
    o=[f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w:.0f} {h:.0f}" width="{w:.0f}" height="{h:.0f}" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, \'DejaVu Sans Mono\', monospace" font-size="14">',
       f'<rect width="100%" height="100%" rx="8" fill="#15181e"/>',
       f'<text x="{PAD}" y="24" fill="#8b93a1">$ {html.escape(title)}</text>']
    for r,line in enumerate(part):
        y=PAD+26+(r+1)*H-5; col=0; fill="#d7dce4"; weight=""; op=""
        for tok in re.split(r"(\x1b\[[0-9;]*m)",line):
            m=re.fullmatch(r"\x1b\[([0-9;]*)m",tok)
            if m:
                for c in [int(x or 0) for x in m.group(1).split(";")]:
                    if c==0: fill="#d7dce4"; weight=""; op=""
                    elif c==1: weight=' font-weight="bold"'
                    elif c==2: fill="#7b8494"
                    elif c in COL: fill=COL[c]
                continue
            for w_ in re.finditer(r"\S+(?: \S+)*",tok):
                n=len(w_.group())
                o.append(f'<text x="{PAD+(col+w_.start())*W:.1f}" y="{y:.0f}" fill="{fill}"{weight} textLength="{n*W:.1f}" lengthAdjust="spacingAndGlyphs">{html.escape(w_.group())}</text>')
            col+=len(tok)
    o.append("</svg>\n"); return "\n".join(o)
for name,part,options in [("finding",full[start:end-1],"--style full --only MOE-AUTH-02"),("report",report[:-1],"--style concise")]:
    cols=max(len(strip(l)) for l in part if "see:" not in l)+2
    open(f"docs/{name}.svg","w").write(svg(part,f"deodar check {SNAPSHOT} {options}",max(cols,100)))
