"""Every way a page can make the browser contact somebody at run time, as a script. `T` is the tracker's folder for this
technique, `OWN` a first-party folder that forwards to it; `root` is an element of the page. `back` says how the
technique returns once it is agreed to: `element` (the page keeps what it made, the guard brings it back) or `again`
(nothing to bring back: the page's next try passes)."""

# ruff: noqa: E501  # a page's script reads best on one line
from __future__ import annotations

from typing import Literal, NamedTuple


class Technique(NamedTuple):
    script: str
    back: Literal["element", "again"] = "element"


def make(tag: str, attribute: str, file: str, more: str = "") -> str:
    return f"const e=document.createElement('{tag}');{more};e.{attribute}=T+'{file}';root.append(e)"


MARKUP = "'<p>a</p><img src=\"'+T+'x.gif\" alt=it`s><p>b'"
SVG = "const e=document.createElementNS('http://www.w3.org/2000/svg','{tag}');const s=document.createElementNS('http://www.w3.org/2000/svg','svg');s.append(e);"

TECHNIQUES: dict[str, Technique] = {
    # Properties.
    "script_src": Technique(make("script", "src", "x.js")),
    "script_src_then_type": Technique(
        "const e=document.createElement('script');e.src=T+'x.js';e.type='text/javascript';document.head.append(e)"
    ),
    "script_module": Technique(make("script", "src", "x.mjs", "e.type='module'")),
    "script_src_in_connected": Technique("const e=document.createElement('script');root.append(e);e.src=T+'x.js'"),
    "iframe_src": Technique(make("iframe", "src", "x.html")),
    "img_src": Technique(make("img", "src", "x.gif")),
    "img_srcset": Technique(make("img", "srcset", "x.gif 1x, x.gif?2 2x")),
    "new_image": Technique("new Image().src=T+'x.gif'", "again"),
    "source_srcset": Technique(
        "const p=document.createElement('picture'),s=document.createElement('source');s.srcset=T+'x.gif';"
        "p.append(s,new Image());root.append(p)"
    ),
    "video_src": Technique(make("video", "src", "x.mp4")),
    "video_poster": Technique(make("video", "poster", "x.gif")),
    "audio_src": Technique(make("audio", "src", "x.mp3")),
    "new_audio": Technique("new Audio(T+'x.mp3').preload='auto'", "again"),
    "track_src": Technique(
        "const v=document.createElement('video'),t=document.createElement('track');v.crossOrigin='anonymous';"
        "t.src=T+'x.vtt';t.default=true;v.append(t);root.append(v);t.track.mode='showing'"
    ),
    "embed_src": Technique(make("embed", "src", "x.html")),
    "object_data": Technique(make("object", "data", "x.html")),
    "input_image": Technique(make("input", "src", "x.gif", "e.type='image'")),
    "link_stylesheet": Technique(make("link", "href", "x.css", "e.rel='stylesheet'")),
    "link_preload": Technique(make("link", "href", "x.js", "e.rel='preload';e.as='script'")),
    "link_prefetch": Technique(make("link", "href", "x.html", "e.rel='prefetch'")),
    "link_modulepreload": Technique(make("link", "href", "x.mjs", "e.rel='modulepreload'")),
    "link_icon": Technique(make("link", "href", "x.gif", "e.rel='icon'").replace("root", "document.head"), "again"),
    "a_ping": Technique(
        "const e=document.createElement('a');e.ping=T+'ping';e.href='#x';root.append(e);e.click()", "again"
    ),
    "svg_image": Technique(SVG.format(tag="image") + "e.setAttribute('href',T+'x.gif');root.append(s)"),
    "svg_image_xlink": Technique(
        SVG.format(tag="image")
        + "e.setAttributeNS('http://www.w3.org/1999/xlink','xlink:href',T+'x.gif');root.append(s)"
    ),
    "svg_image_baseval": Technique(SVG.format(tag="image") + "root.append(s);e.href.baseVal=T+'x.gif'", "again"),
    "svg_script": Technique(SVG.format(tag="script") + "e.setAttribute('href',T+'x.js');root.append(s)"),
    "body_background": Technique("document.body.background=T+'x.gif'"),
    # Attributes.
    "set_attribute": Technique("const e=new Image();e.setAttribute('SRC',T+'x.gif');root.append(e)"),
    "set_attribute_ns": Technique("const e=new Image();e.setAttributeNS(null,'src',T+'x.gif');root.append(e)"),
    "set_attribute_node": Technique(
        "const e=new Image(),a=document.createAttribute('src');a.value=T+'x.gif';e.setAttributeNode(a);root.append(e)"
    ),
    "attribute_value": Technique(
        "const e=new Image();e.setAttribute('src','');e.attributes.src.value=T+'x.gif';root.append(e)"
    ),
    "element_prototype": Technique(
        "const e=new Image();Element.prototype.setAttribute.call(e,'src',T+'x.gif');root.append(e)"
    ),
    # Markup.
    "inner_html": Technique(f"root.innerHTML={MARKUP}"),
    "inner_html_entities": Technique("root.innerHTML='<img src=\"'+T.replace('http','&#104;ttp')+'x.gif\">'"),
    "inner_html_slash": Technique("root.innerHTML='<img/alt=\">\"/src='+T+'x.gif>'"),
    "inner_html_svg": Technique("root.innerHTML='<svg><image xlink:href=\"'+T+'x.gif\"/></svg>'"),
    "inner_html_style": Technique("root.innerHTML='<p style=\"background:url('+T+'x.gif)\">a</p>'", "again"),
    "inner_html_iframe": Technique("root.innerHTML='<iframe src=\"'+T+'x.html\"></iframe>'"),
    "outer_html": Technique(f"const d=document.createElement('i');root.append(d);d.outerHTML={MARKUP}"),
    "insert_adjacent_html": Technique(f"root.insertAdjacentHTML('beforeend',{MARKUP})"),
    "document_write": Technique(f"document.write({MARKUP})"),
    "document_write_script": Technique("document.write('<script src=\"'+T+'x.js\"><\\/script>')"),
    "document_write_pieces": Technique(
        "for(const each of ['<scr','ipt src=\"',T,'x.js','\"></scr','ipt>'])document.write(each)"
    ),
    "contextual_fragment": Technique(
        "root.append(document.createRange().createContextualFragment('<script src=\"'+T+'x.js\"><\\/script>'))"
    ),
    "set_html_unsafe": Technique(f"root.setHTMLUnsafe({MARKUP})"),
    "dom_parser": Technique(
        f"const d=new DOMParser().parseFromString({MARKUP},'text/html');root.append(...d.body.childNodes)"
    ),
    "dom_parser_import": Technique(
        f"const d=new DOMParser().parseFromString({MARKUP},'text/html');document.importNode(d.body,true)", "again"
    ),
    "template_clone": Technique(
        f"const t=document.createElement('template');t.innerHTML={MARKUP};root.append(t.content.cloneNode(true))"
    ),
    "clone_node": Technique("const e=document.createElement('script');e.src=T+'x.js';root.append(e.cloneNode(true))"),
    "nested_script": Technique(
        "const d=document.createElement('div'),e=document.createElement('script');d.append(e);e.src=T+'x.js';root.append(d)"
    ),
    "shadow_inner_html": Technique(f"root.attachShadow({{mode:'open'}}).innerHTML={MARKUP}"),
    "closed_shadow": Technique(f"root.attachShadow({{mode:'closed'}}).innerHTML={MARKUP}"),
    "replace_with": Technique(
        "const d=document.createElement('i');root.append(d);const e=new Image();e.src=T+'x.gif';d.replaceWith(e)"
    ),
    "replace_children": Technique("const e=document.createElement('script');e.src=T+'x.js';root.replaceChildren(e)"),
    "range_insert": Technique(
        "const e=document.createElement('script');e.src=T+'x.js';const r=document.createRange();r.selectNode(root);r.insertNode(e)"
    ),
    "insert_adjacent_element": Technique(
        "const e=document.createElement('script');e.src=T+'x.js';root.insertAdjacentElement('afterend',e)"
    ),
    "inline_script": Technique(
        "const e=document.createElement('script');e.text='trk(1);new Image().src=\"'+T+'x.gif\"';window.trk=()=>0;root.append(e)"
    ),
    "inline_script_nested": Technique(
        "window.trk=()=>0;const d=document.createElement('div'),e=document.createElement('script');d.append(e);"
        "e.append('trk(1);new Image().src=\"'+T+'x.gif\"');root.append(d)"
    ),
    # Frames of the same origin.
    "blank_frame": Technique(
        "const f=document.createElement('iframe');root.append(f);new f.contentWindow.Image().src=T+'x.gif'", "again"
    ),
    "blank_frame_fetch": Technique(
        "const f=document.createElement('iframe');root.append(f);window.frames[0].fetch(T+'x').catch(()=>0)", "again"
    ),
    "blank_frame_inner_html": Technique(
        "root.innerHTML='<iframe></iframe>';window[0].fetch(T+'x').catch(()=>0)", "again"
    ),
    "blank_frame_document": Technique(
        "const f=document.createElement('iframe');root.append(f);const d=f.contentDocument,s=d.createElement('script');"
        "s.src=T+'x.js';d.body.append(s)"
    ),
    "blank_frame_write": Technique(
        "const f=document.createElement('iframe');root.append(f);const d=f.contentDocument;d.open();"
        "d.write('<script src=\"'+T+'x.js\"><\\/script>');d.close()"
    ),
    "srcdoc": Technique("const f=document.createElement('iframe');f.srcdoc='<img src='+T+'x.gif>';root.append(f)"),
    "srcdoc_script": Technique(
        "const f=document.createElement('iframe');f.srcdoc='<!DOCTYPE html><script>new Image().src=\"'+T+'x.gif\"<\\/script>';"
        "root.append(f)",
        "again",
    ),
    "srcdoc_late": Technique(
        "const f=document.createElement('iframe');root.append(f);"
        "f.setAttribute('srcdoc','<script>new Image().src=\"'+T+'x.gif\"<\\/script>')",
        "again",
    ),
    "javascript_frame": Technique(
        "const f=document.createElement('iframe');f.src='javascript:void(new Image().src=\"'+T+'x.gif\")';root.append(f)",
        "again",
    ),
    "sandboxed_elements": Technique(
        "const f=document.createElement('iframe');root.append(f);"
        "const i=f.contentDocument.createElement('img');i.src=T+'x.gif';root.append(i)"
    ),
    "frame_prototype": Technique(
        "const f=document.createElement('iframe');root.append(f);const i=document.createElement('img');"
        "Object.getOwnPropertyDescriptor(window[0].HTMLImageElement.prototype,'src').set.call(i,T+'x.gif');root.append(i)"
    ),
    # Requests.
    "fetch": Technique("fetch(T+'x').catch(()=>0)", "again"),
    "fetch_request": Technique("fetch(new Request(T+'x')).catch(()=>0)", "again"),
    "fetch_url": Technique("fetch(new URL(T+'x')).catch(()=>0)", "again"),
    "xhr": Technique("const x=new XMLHttpRequest();x.open('GET',T+'x');x.send()", "again"),
    "xhr_sync": Technique("try{const x=new XMLHttpRequest();x.open('GET',T+'x',false);x.send()}catch{}", "again"),
    "send_beacon": Technique("navigator.sendBeacon(T+'x','a')", "again"),
    "websocket": Technique("new WebSocket(T.replace('http','ws')+'x')", "again"),
    "event_source": Technique("new EventSource(T+'x')", "again"),
    "own_path": Technique("fetch(OWN+'x').catch(()=>0)", "again"),
    "worker": Technique("new Worker(OWN+'x.js')", "again"),
    "shared_worker": Technique("new SharedWorker(OWN+'x.js')", "again"),
    "service_worker": Technique("navigator.serviceWorker.register(OWN+'x.js').catch(()=>0)", "again"),
    "worklet": Technique("CSS.paintWorklet&&CSS.paintWorklet.addModule(T+'x.js').catch(()=>0)", "again"),
    "blob_worker": Technique("new Worker(URL.createObjectURL(new Blob([`fetch('${T}x').catch(()=>0)`])))", "again"),
    "blob_worker_revoked": Technique(
        "const u=URL.createObjectURL(new Blob([`'use strict';importScripts('${T}x.js')`]));new Worker(u);URL.revokeObjectURL(u)",
        "again",
    ),
    "blob_worker_xhr": Technique(
        "new Worker(URL.createObjectURL(new Blob([`const x=new XMLHttpRequest();x.open('GET','${T}x');x.send()`])))",
        "again",
    ),
    "blob_shared_worker": Technique(
        "new SharedWorker(URL.createObjectURL(new Blob([`new WebSocket('${T}x'.replace('http','ws'))`])))", "again"
    ),
    "data_worker": Technique("new Worker('data:text/javascript;base64,'+btoa(`new EventSource('${T}x')`))", "again"),
    # Documents that the page makes.
    "blob_frame": Technique(
        "const f=document.createElement('iframe');f.src=URL.createObjectURL(new Blob(['<img src='+T+'x.gif>'],{type:'text/html'}));root.append(f)"
    ),
    "blob_frame_attribute": Technique(
        "const f=document.createElement('iframe');root.append(f);"
        "f.setAttribute('src',URL.createObjectURL(new Blob(['<script>fetch(\"'+T+'x\").catch(()=>0)<\\/script>'],{type:'text/html'})))",
        "again",
    ),
    "data_frame": Technique(
        "const f=document.createElement('iframe');f.src='data:text/html,<img src='+T+'x.gif>';root.append(f)"
    ),
    "javascript_frame_markup": Technique(
        "const f=document.createElement('iframe');f.src='javascript:\"<img src='+T+'x.gif>\"';root.append(f)"
    ),
    "srcdoc_in_markup": Technique("root.innerHTML='<iframe srcdoc=\"&lt;img src='+T+'x.gif&gt;\"></iframe>'"),
    "srcdoc_in_srcdoc": Technique(
        "root.innerHTML='<iframe srcdoc=\"&lt;iframe srcdoc=&quot;&amp;lt;img src='+T+'x.gif&amp;gt;&quot;&gt;&lt;/iframe&gt;\"></iframe>'"
    ),
    "srcdoc_script_markup": Technique(
        "const f=document.createElement('iframe');f.src='/none';f.onload=()=>{f.onload=null;"
        "f.srcdoc='<body><script>document.body.innerHTML=\"<img src='+T+'x.gif>\"<\\/script>'};root.append(f)"
    ),
    "form_into_frame": Technique(
        "root.innerHTML='<iframe name=into></iframe><form target=into action='+T+'x.html></form>';root.lastChild.submit()",
        "again",
    ),
    "module_import": Technique(
        "const e=document.createElement('script');e.type='module';e.textContent='import \"'+T+'x.mjs\"';root.append(e)"
    ),
    "exec_command": Technique(
        "root.contentEditable=true;root.focus();document.execCommand('selectAll');"
        "document.execCommand('insertHTML',false,'<img src='+T+'x.gif>')",
        "again",
    ),
    "table_background": Technique("root.innerHTML='<table background='+T+'x.gif><tr><td>a</table>'"),
    "row_background": Technique(
        "root.innerHTML='<table><tr><td>a</table>';root.querySelector('tr').setAttribute('background',T+'x.gif')"
    ),
    "svg_set": Technique(
        "root.innerHTML='<svg width=9 height=9><image width=9 height=9><set attributeName=href to=\"'+T+'x.gif\"/></image></svg>'"
    ),
    # Style.
    "style_image_set": Technique(
        "const e=document.createElement('style');e.textContent='#root{background:image-set(\"'+T+'x.gif\" 1x)}';root.append(e)"
    ),
    "style_escaped": Technique(
        "const e=document.createElement('style');e.textContent='#root{background:u\\\\72l('+T.replace('track','tr\\\\61 ck')+'x.gif)}';root.append(e)"
    ),
    "style_prepend": Technique(
        "const e=document.createElement('style');root.append(e);e.prepend('#root{background:url('+T+'x.gif)}')", "again"
    ),
    "add_rule": Technique(
        "const e=document.createElement('style');root.append(e);e.sheet.addRule('#root','background:url('+T+'x.gif)')",
        "again",
    ),
    "insert_rule": Technique(
        "const e=document.createElement('style');root.append(e);e.sheet.insertRule('#root{background:url('+T+'x.gif)}')",
        "again",
    ),
    "import_rule": Technique(
        "const e=document.createElement('style');e.textContent='@import \"'+T+'x.css\"';root.append(e)"
    ),
    "style_text_connected": Technique(
        "const e=document.createElement('style');root.append(e);e.textContent='@import url('+T+'x.css)'"
    ),
    "style_text_node": Technique(
        "const e=document.createElement('style');root.append(e);e.appendChild(document.createTextNode('@import url('+T+'x.css)'))",
        "again",
    ),
    "replace_sync": Technique(
        "const s=new CSSStyleSheet();s.replaceSync('#root{background:url('+T+'x.gif)}');document.adoptedStyleSheets=[s]",
        "again",
    ),
    "style_property": Technique("root.style.backgroundImage='url('+T+'x.gif)'"),
    "style_css_text": Technique("root.style.cssText='background:url('+T+'x.gif)'", "again"),
    "style_set_property": Technique("root.style.setProperty('background-image','url('+T+'x.gif)')", "again"),
    "style_attribute": Technique("root.setAttribute('style','background:url('+T+'x.gif)')"),
    "style_detached": Technique(
        "const e=document.createElement('p');e.style.background='url('+T+'x.gif)';e.textContent='a';root.append(e)"
    ),
    "font_face": Technique("const f=new FontFace('t','url('+T+'x.woff)');f.load().catch(()=>0)", "again"),
    # Tags that arrive through a stub of their own.
    "loader_snippet": Technique(
        "(function(w,d,s,u){var e=d.createElement(s),f=d.getElementsByTagName(s)[0];e.async=1;e.src=u;"
        "f.parentNode.insertBefore(e,f)})(window,document,'script',T+'x.js')"
    ),
}
